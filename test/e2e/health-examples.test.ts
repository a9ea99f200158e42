/** The examples of health checking, as they stand in the repository but for addresses, paths and intervals. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { repository } from "../../bench/system/repository.js";
import { freePort } from "../helpers/checked-service.js";
import { temporaryDirectory } from "../helpers/temporary-folder.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

const VIP = "127.44.0.100";
const REALSERVERS = ["127.44.0.1", "127.44.0.2"];

/** An example with the VIP and the realservers of the test, on a port of the test, and short intervals. */
function example(name: string, port: number, replacements: Readonly<Record<string, string>>): string {
  let text = readFileSync(join(repository, "examples", name), "utf8");
  const all = {
    "192.168.71.205:80": `${VIP}:${port}`,
    "192.168.71.220": REALSERVERS[0],
    "192.168.71.150": REALSERVERS[1],
    ...replacements,
  };
  for (const [from, to] of Object.entries(all)) {
    assert.ok(text.includes(from), `${name} has ${from}`);
    text = text.replaceAll(from, to);
  }
  return text;
}

/** Web servers whose page is OK, or not. */
async function webServers(t: TestContext, port: number) {
  const ill = new Set<string>();
  for (const address of REALSERVERS) {
    const server = createServer((_, answer) => {
      answer.setHeader("connection", "close");
      answer.end(ill.has(address) ? "out of order" : "OK");
    });
    server.listen(port, address);
    await once(server, "listening");
    t.after(() => server.close());
  }
  return ill;
}

/** The realservers in the table, as `uvsadm -Ln` has them: those that were removed are not. */
async function inTable(uvsd: Uvsd): Promise<string[]> {
  const [service] = (await uvsd.client.health()).services;
  return service.realservers
    .filter(({ present, weight }) => present && weight > 0)
    .map(({ endpoint }) => endpoint.address)
    .sort();
}

const shows = (uvsd: Uvsd, expected: readonly string[]) =>
  waitFor(`in the table: ${expected.join(", ")}`, async () => {
    return (await inTable(uvsd)).join() === expected.join();
  });

test("the equivalent of a shell loop takes a realserver out whose page is not OK, and in again", async (t) => {
  const port = await freePort();
  const ill = await webServers(t, port);
  const config = example("shell-loop-equivalent.yaml", port, { "interval: 5s": "interval: 200ms" });
  const uvsd = await Uvsd.start(t, { config });
  await shows(uvsd, REALSERVERS);
  ill.add(REALSERVERS[0]);
  await shows(uvsd, [REALSERVERS[1]]);
  ill.clear();
  await shows(uvsd, REALSERVERS);
});

test("the equivalent of mon takes out whom a monitor names, and calls its alerts", async (t) => {
  const folder = temporaryDirectory(t);
  const [failed, log] = [join(folder, "failed"), join(folder, "log")];
  const program = (name: string, script: string): string => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
    return join(folder, name);
  };
  // As mon's monitors: hosts are the arguments, those that failed are printed, and the status says whether any has.
  const monitor = program(
    "http.monitor",
    `for h; do :; done; grep -qx "$h" ${failed} && echo "$h" && exit 1; exit 0`,
  );
  const alert = program("mail.alert", `echo "$@" "[$(head -n1)]" >> ${log}`);
  writeFileSync(failed, "");
  writeFileSync(log, "");
  const port = await freePort();
  const config = example("mon-equivalent.yaml", port, {
    "/usr/lib/mon/mon.d/http.monitor": monitor,
    "/usr/lib/mon/alert.d/mail.alert": alert,
    "interval: 15s": "interval: 200ms",
  });
  const uvsd = await Uvsd.start(t, { config });
  await shows(uvsd, REALSERVERS);
  writeFileSync(failed, `${REALSERVERS[1]}\n`);
  await shows(uvsd, [REALSERVERS[0]]);
  const logged = (): string[] => readFileSync(log, "utf8").trim().split("\n");
  await waitFor("the alert is called", () => logged()[0] !== "");
  assert.match(logged()[0], /^-s external -g tcp:.* -h 127.44.0.2 -t \d+ -l 3600 root \[127.44.0.2\]$/);
  writeFileSync(failed, "");
  await shows(uvsd, REALSERVERS);
  await waitFor("the upalert is called", () => logged().length === 2);
  assert.match(logged()[1], / -u root /);
});

test("the script that kills one of six realservers counts no failed request", () => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [join(repository, "examples/kill-one-of-six.mjs")],
    { encoding: "utf8", timeout: 120_000 },
  );
  assert.match(stdout, /^\d{4} requests, 0 failed; 127\.46\.0\.1 was killed$/m, stderr);
  assert.equal(status, 0);
});
