/**
 * What the client's own address costs: one request per connection through a director that is a router, transparent beside
 * not. Each of the two has a network of its own (system/routed.ts), and they take the load by turns of a second: the difference
 * is smaller than what the machine's speed changes by within some seconds. The bench starts no balancer for it.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { LoadTool } from "../load/load.js";
import type { Peer } from "../peers/peer.js";
import { SMALL_BYTES, SMALL_PATH } from "../realserver/realserver.js";
import { median } from "../stats.js";
import type { Running } from "../system/processes.js";
import { ROUTED_REALSERVERS, ROUTED_VIP, RoutedHosts, routedMissing } from "../system/routed.js";
import { connections } from "./connections.js";
import { type HttpLoad, type HttpMeasurement, loadHttp } from "./http-load.js";
import type { Bench, Sample, Scenario } from "./scenario.js";

const UVSD = fileURLToPath(new URL("../../src/bin/uvsd.js", import.meta.url));
const ATTEMPTS = 1000;
const HTTP: HttpLoad = { path: SMALL_PATH, connections: 64, close: true };

/** Turns of a round for each second of a load that is measured at one go. */
const TURNS_A_SECOND = 4;
const TURN_SECONDS = 1;

const plain = routed("uvs-routed");
const transparentPeer = routed("uvs-routed-transparent");

export const transparent: Scenario = {
  name: "transparent",
  title:
    "Transparent: new connections that keep the client's address, 64 at a time, across network namespaces",
  realservers: connections.realservers,
  needsWrk: connections.needsWrk,
  metrics: connections.metrics.map((metric) => ({
    ...metric,
    target: metric.key === "perSecond" ? { atLeast: 0.95 } : undefined,
  })),
  comparison: {
    peers: [plain, transparentPeer],
    baseline: plain.name,
    candidate: transparentPeer.name,
  },
  async measureByTurns(peers, bench) {
    const directory = await mkdtemp(join(tmpdir(), "uvs-bench-routed-"));
    const directors = peers.map(({ name }) => new RoutedDirector(name, bench, join(directory, name)));
    try {
      for (const director of directors) await director.start();
      for (const director of directors) await director.load(bench.profile.warmUpSeconds);
      const turns = new Map(peers.map(({ name }) => [name, [] as HttpMeasurement[]]));
      for (let turn = 0; turn < bench.profile.seconds * TURNS_A_SECOND; turn++) {
        // By turns who is first, too: a machine that becomes slower all the time would favour the first one.
        const order = turn % 2 === 0 ? directors : [...directors].reverse();
        for (const director of order) turns.get(director.name)?.push(await director.load(TURN_SECONDS));
      }
      return new Map([...turns].map(([name, taken]) => [name, together(taken)]));
    } finally {
      for (const director of directors) await director.stop();
      await rm(directory, { recursive: true, force: true });
    }
  },
};

/** A director with its client and realservers. */
class RoutedDirector {
  readonly name: string;
  readonly #bench: Bench;
  readonly #hosts: RoutedHosts;
  readonly #directory: string;
  readonly #started: Running[] = [];
  #pid = 0;

  constructor(name: string, bench: Bench, directory: string) {
    this.name = name;
    this.#bench = bench;
    this.#directory = directory;
    this.#hosts = new RoutedHosts(name);
  }

  /** @throws Error where a host cannot be made, or no answer comes; call `stop` in any case */
  async start(): Promise<void> {
    const { processes } = this.#bench;
    const directory = this.#directory;
    mkdirSync(directory);
    this.#hosts.make();
    const nginx = join(directory, "nginx.conf");
    writeFileSync(nginx, realserver(directory));
    this.#started.push(processes.start("load", this.#hosts.on("realservers", ["nginx", "-c", nginx])));
    const config = join(directory, "uvs.yaml");
    writeFileSync(config, director(this.name === transparentPeer.name));
    const command = [process.execPath, UVSD, "-c", config, "--socket", join(directory, "uvsd.sock")];
    const running = processes.start("balancer", this.#hosts.on("director", command));
    this.#started.push(running);
    this.#pid = running.pid;
    await this.#answer(running);
  }

  /** Takes the load for some seconds. @throws Error on any failed request */
  load(seconds: number): Promise<HttpMeasurement> {
    const { load } = this.#bench;
    const onClient: LoadTool = {
      ...load,
      command: (request) => this.#hosts.on("client", load.command(request)),
    };
    const loaded = { entry: { host: ROUTED_VIP, port: 80 }, pid: this.#pid };
    return loadHttp(loaded, { ...this.#bench, load: onClient }, HTTP, seconds);
  }

  async stop(): Promise<void> {
    for (const running of this.#started.splice(0)) await running.stop();
    this.#hosts.remove();
  }

  async #answer(running: Running): Promise<void> {
    const url = `http://${ROUTED_VIP}${SMALL_PATH}`;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const asking = this.#hosts.on("client", ["wrk", "-t1", "-c1", "-d1s", url]);
      const probe = this.#bench.processes.start("load", asking);
      while (probe.child.exitCode === null) await delay(5);
      if (probe.child.exitCode === 0 && !/0 requests in|Socket errors/.test(probe.output())) return;
      if (running.child.exitCode !== null) break;
    }
    throw new Error(`no answer through the routed director: ${running.output()}`);
  }
}

/** What turns of equal length make together: rates and costs of all their connections; of the latencies the middle turn's. */
function together(turns: readonly HttpMeasurement[]): Sample {
  const sum = (value: (turn: HttpMeasurement) => number): number =>
    turns.reduce((total, turn) => total + value(turn), 0);
  const requests = sum((turn) => turn.requests);
  return {
    processUs: sum((turn) => turn.cpu["processUs"] * turn.requests) / requests,
    systemUs: sum((turn) => turn.cpu["systemUs"] * turn.requests) / requests,
    busy: sum((turn) => turn.cpu["busy"]) / turns.length,
    perSecond: sum((turn) => turn.perSecond) / turns.length,
    p50Ms: median(turns.map((turn) => turn.p50Ms)),
    p99Ms: median(turns.map((turn) => turn.p99Ms)),
  };
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
