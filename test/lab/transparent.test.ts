/** The layout of LVS-NAT with nginx behind it: realservers see their clients' own addresses. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, type TestContext, test } from "node:test";
import { nginxMissing, RouterLab } from "../helpers/router-lab.js";
import { Uvsd } from "../helpers/uvsd.js";
import { labMissing } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const SERVICES = `
services:
  - listen: tcp://10.81.0.100:80
    scheduler: rr
    transparent: true
    realservers: [10.82.0.11, 10.82.0.12]
  - listen: tcp://10.81.0.101:80
    transparent: true
    realservers: [10.82.0.11]
  - listen: "tcp://[fd81::100]:80"
    transparent: true
    realservers: ["[fd82::11]"]
`;

/** Two services that share no realserver; one thread, as each learns for itself which ports to share. */
const APART = `
threads: 1
services:
  - { listen: "tcp://10.81.0.100:80", transparent: true, realservers: [10.82.0.11] }
  - { listen: "tcp://10.81.0.101:80", transparent: true, realservers: [10.82.0.12] }
`;

const RIPS = ["10.82.0.11", "10.82.0.11", "[fd82::11]"];

async function withLab(t: TestContext, use: (lab: RouterLab) => Promise<void>): Promise<void> {
  const lab = new RouterLab(2);
  t.after(() => lab.destroy());
  for (const vip of ["10.81.0.100/24", "10.81.0.101/24", "fd81::100/64"]) {
    lab.addAddress(lab.director, vip, "net81");
  }
  for (const host of lab.realservers) await lab.startNginx(host);
  await use(lab);
}

function startDirector(t: TestContext, lab: RouterLab, config = SERVICES): Promise<Uvsd> {
  return Uvsd.start(t, { config, prefix: lab.prefix(lab.director) });
}

/** What a realserver answers a client that asks it itself, from port 40200. */
function askPast(lab: RouterLab): string {
  return lab.run(lab.client, "curl", "-sS", "-m", "10", "--local-port", "40200", "http://10.82.0.12/");
}

/** What is in the director's kernel that was not there before. */
function kernelRules(lab: RouterLab): string {
  const { director } = lab;
  const rules = ["-4", "-6"].map((family) => lab.run(director, "ip", family, "rule", "show"));
  const ours = rules
    .join("")
    .split("\n")
    .filter((line) => line.includes("fwmark"));
  const routes = ["-4", "-6"].map((family) =>
    lab.run(director, "ip", family, "route", "show", "table", "all"),
  );
  const local = routes
    .join("")
    .split("\n")
    .filter((line) => /^local default/.test(line));
  return [lab.run(director, "nft", "list", "ruleset").trim(), ...ours, ...local].join("\n").trim();
}

describe("transparent services in the layout of LVS-NAT", {
  skip: labMissing() ?? nginxMissing() ?? false,
}, () => {
  test("realservers log the clients' true addresses, IPv4 and IPv6, and see their ports", async (t) => {
    await withLab(t, async (lab) => {
      lab.addAddress(lab.client, "10.81.0.77/24", "eth0");
      await startDirector(t, lab);
      const ask = (url: string, ...options: string[]): string =>
        lab.run(lab.client, "curl", "-sS", "-m", "10", ...options, url).trim();
      const answers = [40001, 40002].map((port) =>
        ask("http://10.81.0.100/", "--interface", "10.81.0.77", "--local-port", `${port}`),
      );
      assert.deepEqual(answers.sort(), [
        "rs1 10.81.0.77 40002 10.81.0.100",
        "rs2 10.81.0.77 40001 10.81.0.100",
      ]);
      assert.match(ask("http://[fd81::100]/", "--local-port", "40003"), /^rs1 fd81::2 40003 /);
      const [rs1, rs2] = lab.realservers;
      assert.deepEqual(lab.logged(rs1).sort(), ["10.81.0.77", "fd81::2"]);
      assert.deepEqual(lab.logged(rs2), ["10.81.0.77"]);
    });
  });

  test("connections of one client port to two services reach the same realserver, the second from another port", async (t) => {
    await withLab(t, async (lab) => {
      const uvsd = await startDirector(t, lab, SERVICES.replace(", 10.82.0.12", ""));
      const answers = lab.script(
        lab.client,
        `import net from "node:net";
         import { once } from "node:events";
         const sockets = [];
         const seen = [];
         for (const host of ["10.81.0.100", "10.81.0.101"]) {
           const socket = net.connect({ host, port: 80, localAddress: "10.81.0.2", localPort: 40100 });
           sockets.push(socket);
           socket.write("GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n");
           const [data] = await once(socket, "data");
           seen.push(/rs1 \\S+ \\d+/.exec(data.toString())[0]);
         }
         console.log(JSON.stringify(seen));
         for (const socket of sockets) socket.destroy();`,
      );
      const [first, second] = JSON.parse(answers) as string[];
      assert.equal(first, "rs1 10.81.0.2 40100");
      assert.match(second, /^rs1 10\.81\.0\.2 (?!40100)\d+$/);
      const { forwarders } = await uvsd.client.status();
      assert.equal(forwarders[0].events["clientPortTaken"], 1);
    });
  });

  test("once two connections of one client port have met, later ones share it and are told apart by the realserver", async (t) => {
    await withLab(t, async (lab) => {
      const uvsd = await startDirector(t, lab, APART);
      const ports = lab.script(
        lab.client,
        `import net from "node:net";
         import { once } from "node:events";
         const sockets = [];
         const seen = [];
         for (const localPort of [40100, 40101]) {
           for (const host of ["10.81.0.100", "10.81.0.101"]) {
             const socket = net.connect({ host, port: 80, localAddress: "10.81.0.2", localPort });
             sockets.push(socket);
             socket.write("GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n");
             const [data] = await once(socket, "data");
             seen.push(Number(/rs\\d 10\\.81\\.0\\.2 (\\d+)/.exec(data.toString())[1]));
           }
         }
         console.log(JSON.stringify(seen));
         for (const socket of sockets) socket.destroy();`,
      );
      const [first, second, ...later] = JSON.parse(ports) as number[];
      assert.equal(first, 40100);
      assert.notEqual(second, 40100);
      assert.deepEqual(later, [40101, 40101]);
      const { forwarders } = await uvsd.client.status();
      assert.equal(forwarders[0].events["clientPortTaken"], 1);
    });
  });

  test("a client that has ended a connection keeps its port on the next one, though the director remembers the first", async (t) => {
    await withLab(t, async (lab) => {
      const uvsd = await startDirector(t, lab, APART);
      const ports = lab.script(
        lab.client,
        `import net from "node:net";
         import { once } from "node:events";
         const seen = [];
         for (const host of ["10.81.0.100", "10.81.0.101"]) {
           const socket = net.connect({ host, port: 80, localAddress: "10.81.0.2", localPort: 40100 });
           socket.write("GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n");
           const [data] = await once(socket, "data");
           seen.push(Number(/rs\\d 10\\.81\\.0\\.2 (\\d+)/.exec(data.toString())[1]));
           socket.end();
           await once(socket, "close");
         }
         console.log(JSON.stringify(seen));`,
      );
      assert.match(
        lab.run(lab.director, "ss", "-Htan", "state", "time-wait"),
        /10\.81\.0\.2:40100 +10\.82\.0\.11:80/,
      );
      assert.deepEqual(JSON.parse(ports), [40100, 40100]);
      const { forwarders } = await uvsd.client.status();
      assert.equal(forwarders[0].events["clientPortTaken"], 0);
    });
  });

  test("a UDP realserver that refuses a transparent flow's datagram is known to: its ICMP error is for the director", async (t) => {
    await withLab(t, async (lab) => {
      const uvsd = await startDirector(
        t,
        lab,
        `services: [{ listen: "udp://10.81.0.100:53", transparent: true, realservers: [10.82.0.11] },
                    { listen: "udp://[fd81::100]:53", transparent: true, realservers: ["[fd82::11]"] }]`,
      );
      for (const [type, vip] of [
        ["udp4", "10.81.0.100"],
        ["udp6", "fd81::100"],
      ]) {
        lab.script(
          lab.client,
          `import dgram from "node:dgram";
           import { once } from "node:events";
           const socket = dgram.createSocket("${type}");
           socket.send("question", 53, "${vip}", () => socket.close());
           await once(socket, "close");`,
        );
      }
      await waitFor("both have refused", async () => {
        const { forwarders } = await uvsd.client.status();
        return forwarders[0].events["flowRefused"] === 2;
      });
    });
  });

  test("UDP realservers see their clients, and flows of one client port do not get each other's answers", async (t) => {
    await withLab(t, async (lab) => {
      const uvsd = await startDirector(
        t,
        lab,
        ["10.81.0.100", "10.81.0.101", "[fd81::100]"]
          .map((vip, i) => `{ listen: "udp://${vip}:53", transparent: true, realservers: ["${RIPS[i]}"] }`)
          .reduce((list, service) => `${list}\n  - ${service}`, "services:"),
      );
      lab.start(
        lab.realservers[0],
        process.execPath,
        "-e",
        `for (const type of ["udp4", "udp6"]) {
           const socket = require("node:dgram").createSocket({ type, ipv6Only: type === "udp6" });
           socket.on("message", (data, { address, port }) => socket.send(data + " " + address + " " + port, port, address));
           socket.bind(53);
         }`,
      );
      await waitFor("it listens", () => lab.run(lab.realservers[0], "ss", "-Hlun").split(":53 ").length > 2);
      const answers = lab.script(
        lab.client,
        `import dgram from "node:dgram";
         import { once } from "node:events";
         const seen = [];
         for (const [type, hosts] of [["udp4", ["10.81.0.100", "10.81.0.101", "10.81.0.100"]], ["udp6", ["fd81::100"]]]) {
           const socket = dgram.createSocket(type).bind(40300);
           await once(socket, "listening");
           for (const host of hosts) {
             socket.send(host, 53, host);
             const [data, from] = await once(socket, "message");
             seen.push(from.address + " " + data);
           }
           socket.close();
         }
         console.log(seen.join("\\n"));`,
      );
      const [first, second, again, six] = answers.trim().split("\n");
      assert.equal(first, "10.81.0.100 10.81.0.100 10.81.0.2 40300");
      assert.match(second, /^10\.81\.0\.101 10\.81\.0\.101 10\.81\.0\.2 (?!40300)\d+$/);
      assert.equal(again, first);
      assert.equal(six, "fd81::100 fd81::100 fd81::2 40300");
      const { forwarders } = await uvsd.client.status();
      assert.equal(forwarders[0].events["clientPortTaken"], 1);
    });
  });

  test("what passes through the director is still forwarded: only its own connections' answers are kept", async (t) => {
    await withLab(t, async (lab) => {
      await startDirector(t, lab);
      assert.match(askPast(lab), /^rs2 10\.81\.0\.2 40200 /);
    });
  });

  test("what passes to a port at which another program's transparent socket listens is still forwarded", async (t) => {
    await withLab(t, async (lab) => {
      await startDirector(t, lab);
      const native = new URL("../../src/dataplane/native/", import.meta.url);
      lab.start(
        lab.director,
        process.execPath,
        "--input-type=module",
        "-e",
        `import { loadLibc } from "${new URL("libc.js", native)}";
         import { openListeners } from "${new URL("listen-socket.js", native)}";
         openListeners(loadLibc(), { address: "0.0.0.0", port: 40200 }, 1, 7);
         setInterval(() => {}, 1000);`,
      );
      await waitFor("it listens", () => lab.run(lab.director, "ss", "-Hltn").includes("0.0.0.0:40200"));
      assert.match(askPast(lab), /^rs2 10\.81\.0\.2 40200 /);
    });
  });

  test("a director that stops leaves nothing of its own in the kernel, and nothing of others' is touched", async (t) => {
    await withLab(t, async (lab) => {
      const { director } = lab;
      lab.run(
        director,
        "nft",
        "add table inet firewall { chain input { type filter hook input priority 0; } ; }",
      );
      lab.run(director, "ip", "rule", "add", "fwmark", "7", "lookup", "7", "priority", "30005");
      const before = kernelRules(lab);
      const uvsd = await startDirector(t, lab);
      assert.match(kernelRules(lab), /table inet uvs_[0-9a-f]{8} \{/);
      assert.equal(await uvsd.stop(), 0);
      assert.equal(kernelRules(lab), before);
    });
  });

  test("a second signal ends the director at once, and takes its rules away as well", async (t) => {
    await withLab(t, async (lab) => {
      const uvsd = await startDirector(t, lab);
      // Held open, so that the director waits for it.
      const held = lab.script(
        lab.client,
        `import { spawn } from "node:child_process";
         const child = spawn(process.execPath, ["-e", "require('net').connect(80, '10.81.0.100').resume()"], { detached: true, stdio: "ignore" });
         console.log(child.pid); child.unref();`,
      );
      t.after(() => process.kill(Number(held), "SIGKILL"));
      await waitFor("the connection is there", async () => {
        const { services } = await uvsd.client.status();
        return services.some(({ connections }) => connections > 0);
      });
      uvsd.process.kill("SIGTERM");
      await waitFor("the director waits for it", () => uvsd.output.includes("director stops"));
      uvsd.process.kill("SIGTERM");
      assert.equal(await uvsd.exited(), 1);
      assert.equal(kernelRules(lab), "");
    });
  });

  test("the doctor tells realservers apart by their default route, and sees rules that somebody has flushed", async (t) => {
    await withLab(t, async (lab) => {
      const uvsd = await startDirector(t, lab);
      const [, rs2] = lab.realservers;
      lab.run(rs2, "ip", "-4", "route", "del", "default");
      const healthy = await uvsd.client.doctor();
      const states = healthy.findings.flatMap(({ subject, state }) =>
        subject.startsWith("realserver") ? `${subject} ${state}` : [],
      );
      assert.deepEqual(states, [
        "realserver 10.82.0.11:80 ok",
        "realserver 10.82.0.12:80 fail",
        "realserver [fd82::11]:80 ok",
      ]);
      assert.ok(healthy.rules.length > 0 && healthy.rules.every(({ isPresent }) => isPresent));
      lab.run(lab.director, "nft", "flush", "ruleset");
      lab.run(lab.director, "ip", "-6", "rule", "flush", "priority", "30000");
      const flushed = await uvsd.client.doctor();
      assert.equal(flushed.findings.find(({ subject }) => subject === "rules")?.state, "fail");
      assert.equal(flushed.rules.filter(({ isPresent }) => !isPresent).length, 3);
      await uvsd.client.reload();
      const renewed = await uvsd.client.doctor();
      assert.ok(renewed.rules.every(({ isPresent }) => isPresent));
    });
  });

  test("a director that was killed leaves its rules, and the next one has its own only", async (t) => {
    await withLab(t, async (lab) => {
      const first = await startDirector(t, lab);
      first.process.kill("SIGKILL");
      await once(first.process, "exit");
      assert.match(kernelRules(lab), /uvs_/);
      const second = await Uvsd.start(t, {
        config: "",
        prefix: lab.prefix(lab.director),
        socket: first.socket,
      });
      assert.equal(kernelRules(lab), "");
      assert.equal(await second.stop(), 0);
    });
  });
});
