/** A client that is downloading when the active director dies: it goes on, at the realserver that it had. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { HaLab, haConfig, VIP } from "../helpers/ha-lab.js";
import { labMissing, textOf } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const skip = labMissing();
const REALSERVERS = ["10.79.0.201", "10.79.0.202", "10.79.0.203"];
const BYTES = 4_000_000;

/** Serves one file at each address, from where the client wants it, 100 kB every 50 ms; says who was asked. */
const SERVE = `
const { createServer } = require("node:http");
const file = Buffer.alloc(${BYTES}, "0123456789abcdefg");
for (const address of process.argv.slice(1)) {
  createServer((request, response) => {
    const from = Number(/bytes=(\\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    console.log(address, from);
    response.writeHead(from > 0 ? 206 : 200, {
      "content-length": file.length - from,
      "content-range": "bytes " + from + "-" + (file.length - 1) + "/" + file.length,
    });
    let at = from;
    const timer = setInterval(() => {
      response.write(file.subarray(at, at + 100_000));
      at += 100_000;
      if (at >= file.length) response.end();
      if (at >= file.length || response.destroyed) clearInterval(timer);
    }, 50);
  }).listen(8081, address);
}`;

test("a download through the address goes on after a failover, from the same realserver", { skip }, () =>
  HaLab.with(async (lab) => {
    const { net, a, b, client, realserver } = lab;
    for (const address of REALSERVERS) {
      net.run(realserver, "ip", "addr", "add", `${address}/24`, "dev", "eth0");
    }
    const server = net.spawn(realserver, process.execPath, ["-e", SERVE, ...REALSERVERS]);
    const asked: string[] = [];
    server.stdout?.setEncoding("utf8").on("data", (text: string) => asked.push(...text.trim().split("\n")));
    const key = join(net.folder, "key");
    writeFileSync(key, "a key that two directors have in the lab", { mode: 0o600 });
    const config = (priority: number, own: string, other: string): string =>
      haConfig(
        priority,
        "",
        `sync: { node: d${priority}, listen: ${own}, peers: [ ${other} ], key-file: ${key} }`,
        "persistence: { timeout: 300s }",
      ).replace('"10.79.0.20:8080"', REALSERVERS.map((address) => `"${address}:8081"`).join(", "));
    const { first, second } = await lab.pair(
      config(150, a.address, b.address),
      config(100, b.address, a.address),
    );
    const file = join(net.folder, "file");
    // What wget -c and package managers do: as long as something is missing, ask for the rest.
    const download = `until curl -sf -C - -o ${file} --speed-time 2 --speed-limit 1 http://${VIP}/; do sleep 0.1; done`;
    const loading = net.spawn(client, "sh", ["-c", download]);
    const size = (): number => textOf(file).length;
    await waitFor("a part has arrived", () => size() > 500_000);
    await waitFor(
      "the other director knows the client",
      async () => (await second.client.templates({})).length > 0,
    );
    await first.kill();
    await lab.heldBy(b);
    const before = size();
    await waitFor("it has ended", () => loading.exitCode !== null, 60_000);
    const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
    assert.equal(digest(readFileSync(file)), digest(Buffer.alloc(BYTES, "0123456789abcdefg")));
    assert.ok(before < BYTES, "it was cut in the middle");
    const places = asked.map((line) => line.split(" ")[0]);
    assert.ok(places.length > 1, "it was asked for again");
    assert.deepEqual(new Set(places).size, 1, "always at one realserver");
    assert.ok(Number(asked[1].split(" ")[1]) > 0, "from where it was cut");
  }),
);
