/**
 * What the client's own address costs: one request per connection through a director that is a router, transparent beside
 * not. Each measurement makes its own network (system/routed.ts); the bench starts no balancer for it.
 */
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { LoadTool } from "../load/load.js";
import type { Peer } from "../peers/peer.js";
import { SMALL_BYTES, SMALL_PATH } from "../realserver/realserver.js";
import type { Processes, Running } from "../system/processes.js";
import { ROUTED_REALSERVERS, ROUTED_VIP, RoutedHosts, routedMissing } from "../system/routed.js";
import { connections } from "./connections.js";
import { measureHttp } from "./http-load.js";
import type { Bench, Sample, Scenario } from "./scenario.js";

const UVSD = fileURLToPath(new URL("../../src/bin/uvsd.js", import.meta.url));
const ATTEMPTS = 1000;

const plain = routed("uvs-routed");
const transparentPeer = routed("uvs-routed-transparent");

export const transparent: Scenario = {
  ...connections,
  name: "transparent",
  title:
    "Transparent: new connections that keep the client's address, 64 at a time, across network namespaces",
  metrics: connections.metrics.map((metric) => ({
    ...metric,
    target: metric.key === "perSecond" ? { atLeast: 0.95 } : undefined,
  })),
  comparison: {
    peers: [plain, transparentPeer],
    baseline: plain.name,
    candidate: transparentPeer.name,
  },
  async measure(peer, bench) {
    const directory = await mkdtemp(join(tmpdir(), "uvs-bench-routed-"));
    const hosts = new RoutedHosts();
    const started: Running[] = [];
    try {
      return await measureRouted(peer.name, bench, hosts, directory, started);
    } finally {
      for (const running of started) await running.stop();
      hosts.remove();
      await rm(directory, { recursive: true, force: true });
    }
  },
};

async function measureRouted(
  name: string,
  bench: Bench,
  hosts: RoutedHosts,
  directory: string,
  started: Running[],
): Promise<Sample> {
  const { processes } = bench;
  const nginx = join(directory, "nginx.conf");
  writeFileSync(nginx, realserver(directory));
  started.push(processes.start("load", hosts.on("realservers", ["nginx", "-c", nginx])));
  const config = join(directory, "uvs.yaml");
  writeFileSync(config, director(name === transparentPeer.name));
  const socket = join(directory, "uvsd.sock");
  const command = [process.execPath, UVSD, "-c", config, "--socket", socket];
  const running = processes.start("balancer", hosts.on("director", command));
  started.push(running);
  const onClient: LoadTool = {
    ...bench.load,
    command: (request) => hosts.on("client", bench.load.command(request)),
  };
  await waitForAnswer(processes, hosts, running);
  const entry = { host: ROUTED_VIP, port: 80 };
  const peer = { name, entry, pid: running.pid, startMs: 0, stop: running.stop };
  const http = { path: SMALL_PATH, connections: 64, close: true };
  const { cpu, perSecond, p50Ms, p99Ms } = await measureHttp(peer, { ...bench, load: onClient }, http);
  return { ...cpu, perSecond, p50Ms, p99Ms };
}

async function waitForAnswer(processes: Processes, hosts: RoutedHosts, director: Running): Promise<void> {
  const url = `http://${ROUTED_VIP}${SMALL_PATH}`;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const probe = processes.start("load", hosts.on("client", ["wrk", "-t1", "-c1", "-d1s", url]));
    while (probe.child.exitCode === null) await delay(5);
    if (probe.child.exitCode === 0 && !/0 requests in|Socket errors/.test(probe.output())) return;
    if (director.child.exitCode !== null) break;
  }
  throw new Error(`no answer through the routed director: ${director.output()}`);
}

/** The bench itself starts nothing for it. */
function routed(name: string): Peer {
  return { name, unavailable: routedMissing, prepare: () => undefined };
}

function director(isTransparent: boolean): string {
  return `dataplane: native
threads: 1
services:
  - listen: tcp://${ROUTED_VIP}:80
    scheduler: rr
    transparent: ${isTransparent}
    realservers: [${ROUTED_REALSERVERS.join(", ")}]
`;
}

function realserver(directory: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${directory}/${kind};`)
    .join(" ");
  return `daemon off; worker_processes 1; pid ${directory}/pid; error_log stderr; user root;
events { worker_connections 4096; }
http { access_log off; ${temporary} server { listen 80 backlog=4096; location / { return 200 "${"x".repeat(SMALL_BYTES)}"; } } }
`;
}
