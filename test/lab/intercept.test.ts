/** A cluster of caches behind a director that is the router: what passes through is intercepted (TPROXY), and dh shares it out. */
import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { nginxMissing, RouterLab } from "../helpers/router-lab.js";
import { Uvsd } from "../helpers/uvsd.js";
import { labMissing } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const CACHES = ["10.82.0.11", "10.82.0.12", "10.82.0.13"];
const ID = { protocol: "tcp", address: "0.0.0.0", port: 80 } as const;

function config(keys: string, caches: readonly string[] = CACHES): string {
  return `services: [{ listen: "tcp://any:80", intercept: true, scheduler: dh, realservers: [${caches}], ${keys} }]`;
}

async function withCaches(
  t: TestContext,
  yaml: string,
  use: (lab: RouterLab, uvsd: Uvsd, ask: (url: string) => string) => Promise<void>,
): Promise<void> {
  const lab = new RouterLab(CACHES.length);
  t.after(() => lab.destroy());
  for (const host of [lab.origin, ...lab.realservers]) await lab.startNginx(host);
  const uvsd = await Uvsd.start(t, { config: yaml, prefix: lab.prefix(lab.director) });
  const ask = (url: string): string => lab.run(lab.client, "curl", "-sS", "-m", "10", url).trim();
  await use(lab, uvsd, ask);
}

/** Who answers for each of many destinations. */
function answerers(ask: (url: string) => string): string[] {
  return Array.from({ length: 12 }, (_, i) => ask(`http://10.83.0.${130 + i}/`).split(" ")[0]);
}

describe("a cluster of caches", { skip: labMissing() ?? nginxMissing() ?? false }, () => {
  test("one destination is always at one cache, and all caches have some", async (t) => {
    await withCaches(t, config(""), async (_lab, uvsd, ask) => {
      const first = answerers(ask);
      assert.deepEqual([...new Set(first)].sort(), ["rs1", "rs2", "rs3"]);
      assert.deepEqual(answerers(ask), first);
      // A cache that goes takes its destinations with it, and no others.
      await uvsd.client.editRealserver(ID, {
        ...{ address: "10.82.0.12", port: 80, weight: 0, forwarding: "masq" },
        ...{ upperThreshold: 0, lowerThreshold: 0 },
      });
      const [service] = await uvsd.client.services(ID);
      assert.equal(service.realservers.find(({ address }) => address === "10.82.0.12")?.weight, 0);
      for (const [i, name] of first.entries()) {
        if (name !== "rs2") assert.equal(ask(`http://10.83.0.${130 + i}/`).split(" ")[0], name);
      }
    });
  });

  for (const scheduler of ["lblc", "lblcr"]) {
    test(`${scheduler} keeps a destination at its cache`, async (t) => {
      await withCaches(t, config("").replace("dh", scheduler), async (_lab, _uvsd, ask) => {
        const first = answerers(ask);
        assert.ok(new Set(first).size > 1, first.join(" "));
        assert.deepEqual(answerers(ask), first);
      });
    });
  }

  test("caches fetch from the origin without being intercepted, one that is added too", async (t) => {
    await withCaches(t, config("", CACHES.slice(0, 2)), async (lab, uvsd) => {
      const [rs1, , rs3] = lab.realservers;
      const fetch = (host: typeof rs1): string =>
        lab.run(host, "curl", "-sS", "-m", "10", "http://10.83.0.200/");
      assert.match(fetch(rs1), /^origin /);
      assert.match(fetch(rs3), /^rs[12] /);
      await uvsd.client.addRealserver(ID, {
        ...{ address: "10.82.0.13", port: 80, weight: 1, forwarding: "masq" },
        ...{ upperThreshold: 0, lowerThreshold: 0 },
      });
      assert.match(fetch(rs3), /^origin /);
      await uvsd.client.deleteRealserver(ID, { address: "10.82.0.13", port: 80 });
      assert.match(fetch(rs3), /^rs[12] /);
    });
  });

  test("with transparent, caches see the client, and with bypass the origin does when no cache is there", async (t) => {
    await withCaches(t, config("transparent: true, bypass: true"), async (_lab, uvsd, ask) => {
      assert.match(ask("http://10.83.0.200/"), /^rs\d 10\.81\.0\.2 /);
      for (const address of CACHES) await uvsd.client.deleteRealserver(ID, { address, port: 80 });
      assert.match(ask("http://10.83.0.200/"), /^origin 10\.81\.0\.2 \d+ 10\.83\.0\.200$/);
      const { forwarders } = await uvsd.client.status();
      assert.equal(forwarders[0].events["sorry"], 1);
    });
  });

  test("what is for the director itself is not intercepted, nor are other ports", async (t) => {
    const web = `, { listen: "tcp://10.81.0.1:80", realservers: ["10.83.0.2:80"] }]`;
    await withCaches(t, config("").replace(/\]$/, web), async (_lab, _uvsd, ask) => {
      assert.match(ask("http://10.81.0.1/"), /^origin /);
      assert.throws(() => ask("http://10.83.0.200:81/"), /Connection refused|Couldn't connect/);
    });
  });

  test("IPv6 is intercepted as well", async (t) => {
    const yaml = `services: [{ listen: "tcp://any6:80", intercept: true, scheduler: dh, realservers: ["[fd82::11]"] }]`;
    await withCaches(t, yaml, async (_lab, _uvsd, ask) => {
      assert.match(ask("http://[fd83::2]/"), /^rs1 /);
    });
  });

  test("when the director is killed, clients reach the origin themselves", async (t) => {
    await withCaches(t, config(""), async (lab, uvsd, ask) => {
      assert.match(ask("http://10.83.0.200/"), /^rs/);
      uvsd.process.kill("SIGKILL");
      await waitFor("its forwarder has ended", () => lab.run(lab.director, "ss", "-Hltn") === "");
      assert.match(ask("http://10.83.0.200/"), /^origin 10\.81\.0\.2 /);
    });
  });
});
