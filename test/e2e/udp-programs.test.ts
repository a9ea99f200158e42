/** UDP services in front of the programs that people put behind them: DNS servers asked by dig, and a stream of syslog. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { findProgram, freePort, skipWithout, startServer } from "../helpers/real-server.js";
import { loopbackAddress } from "../helpers/tcp.js";
import { temporaryDirectory } from "../helpers/temporary-folder.js";
import { startUdpRealserver, UdpClient } from "../helpers/udp.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

const PORT = 5301;
const run = promisify(execFile);

/** A DNS server that says who it is: `who.test` is its name. */
async function startDnsmasq(t: TestContext, name: string): Promise<number> {
  const port = await freePort();
  const strings = Array.from({ length: 12 }, (_, i) => `${i}`.padEnd(200, name)).join(",");
  const server = await startServer(
    {
      program: "dnsmasq",
      args: [
        ...["--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", "--pid-file="],
        ...["--bind-interfaces", "--listen-address=127.0.0.1", `--port=${port}`, "--edns-packet-max=4096"],
        ...[`--txt-record=who.test,${name}`, `--txt-record=large.test,${strings}`],
      ],
    },
    port,
  );
  t.after(() => server.stop());
  return port;
}

/** What dig prints with `+short`. */
async function dig(vip: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(findProgram("dig")!, [
    `@${vip}`,
    "-p",
    `${PORT}`,
    "+short",
    "+tries=1",
    ...args,
  ]);
  return stdout.trim();
}

test("dnsmasq behind a VIP answers dig, and a load of questions", {
  skip: skipWithout(["dnsmasq", "dig"]),
}, async (t) => {
  const ports = [await startDnsmasq(t, "one"), await startDnsmasq(t, "two")];
  const vip = loopbackAddress();
  const uvsd = await Uvsd.start(t, {
    config: `services:
  - listen: udp://${vip}:${PORT}
    scheduler: rr
    realservers: [ ${ports.map((port) => `"127.0.0.1:${port}"`).join(", ")} ]
  - listen: tcp://${vip}:${PORT}
    scheduler: rr
    realservers: [ ${ports.map((port) => `"127.0.0.1:${port}"`).join(", ")} ]
`,
  });
  const names = [];
  for (let i = 0; i < 4; i++) names.push(await dig(vip, "TXT", "who.test"));
  assert.deepEqual(names.sort(), ['"one"', '"one"', '"two"', '"two"']);
  const large = await dig(vip, "+notcp", "+ignore", "+bufsize=4096", "TXT", "large.test");
  assert.equal(large.split('" "').length, 12);
  // An answer that does not fit is asked for again over TCP, which the VIP serves too.
  assert.equal((await dig(vip, "+bufsize=512", "TXT", "large.test")).split('" "').length, 12);

  // 400 questions by dig, then 2,000 by a hundred clients at once.
  const questions = join(temporaryDirectory(t), "questions");
  await writeFile(questions, "who.test TXT\n".repeat(400));
  const answers = (await dig(vip, "-f", questions)).split("\n");
  assert.equal(answers.length, 400);
  assert.deepEqual([...new Set(answers)].sort(), ['"one"', '"two"']);
  const query = Buffer.from(
    "beef01000001000000000000" + "0377686f" + "0474657374" + "00" + "0010" + "0001",
    "hex",
  );
  const clients = await Promise.all(
    Array.from({ length: 100 }, () => UdpClient.open({ address: vip, port: PORT })),
  );
  t.after(() => {
    for (const client of clients) client.close();
  });
  // No more in flight than a realserver's socket holds: what overflows there is lost, as UDP is.
  for (let i = 0; i < 20; i++) await Promise.all(clients.map((client) => client.ask(query)));
  const [{ totals }] = (await uvsd.client.services()).filter(({ key }) => key.startsWith("udp"));
  assert.equal(totals.inPackets, totals.outPackets);
  assert.equal(totals.inPackets, 4 + 1 + 1 + 400 + 2000);
});

test("a stream of syslog goes on when its realserver dies", { skip: skipWithout(["logger"]) }, async (t) => {
  const servers = [await startUdpRealserver(() => undefined), await startUdpRealserver(() => undefined)];
  for (const server of servers) t.after(server.close);
  const vip = loopbackAddress();
  const uvsd = await Uvsd.start(t, {
    config: `services:
  - listen: udp://${vip}:${PORT}
    scheduler: lc
    realservers: [ ${servers.map(({ port }) => `"127.0.0.1:${port}"`).join(", ")} ]
`,
  });
  const log = (line: string) =>
    run(findProgram("logger")!, ["--udp", "--server", vip, "--port", `${PORT}`, "--tag", "uvs", line]);
  const received = () => servers.flatMap((server) => server.received.map(({ bytes }) => bytes.toString()));
  await log("first");
  await waitFor("the line has come", () => received().some((line) => / uvs .*first$/.test(line)));

  const stream = await UdpClient.open({ address: vip, port: PORT });
  t.after(() => stream.close());
  const LINES = 3000;
  const lines = () => servers.reduce((sum, server) => sum + server.received.length, 0) - 1;
  for (let i = 0; i < LINES; i++) {
    await stream.send(`<14>uvs: line ${i}`);
    // A realserver that is slower than the stream loses lines: its socket holds a few hundred.
    if (i % 50 === 49) await waitFor("the stream has come so far", () => lines() === i + 1);
  }
  const mine = servers.find((server) => server.received.length >= LINES)!;
  const other = servers.find((server) => server !== mine)!;
  mine.close();
  // Lost, as nobody listens; the director is told by ICMP.
  await stream.send("<14>uvs: lost");
  await waitFor("it was refused", async () => {
    const { forwarders } = await uvsd.client.status();
    return forwarders[0].events["flowRefused"] === 1;
  });
  for (let i = 0; i < 10; i++) await stream.send(`<14>uvs: after ${i}`);
  const after = () => other.received.filter(({ bytes }) => bytes.toString().includes("uvs: after")).length;
  await waitFor("the other one has the rest", () => after() === 10);
});
