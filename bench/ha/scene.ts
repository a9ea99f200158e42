/**
 * One run: two directors on a link, a client that probes the floating address every millisecond, and something that
 * happens to them. `a` is master before it happens, `b` its backup.
 */
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type LabHost, VrrpLab } from "../../test/helpers/vrrp-lab.js";
import { waitFor } from "../../test/helpers/wait-for.js";
import { HoldingWatch } from "./holdings.js";
import { type ProberReport, type RunResult, summarise } from "./observations.js";
import { ADDRESS, type Product, type Running, type Timing } from "./products.js";

const PROBER = fileURLToPath(new URL("./prober.js", import.meta.url));
const PRIORITIES = { a: 150, b: 100 } as const;
const START_MS = 60_000;
const SETTLE_MS = 300;

/** Who runs on the two hosts. */
export interface Cast {
  readonly a: Product;
  readonly b: Product;
}

/** What an event is handed. */
export interface Scene {
  readonly lab: VrrpLab;
  readonly cast: Cast;
  readonly timing: Timing;
  readonly a: LabHost;
  readonly b: LabHost;
  readonly directors: { a: Running; b: Running };
  /** Another host on the link. */
  readonly stranger: LabHost;
  /** What follows from here on counts; called once, right before it happens. */
  mark(): void;
  /** Nobody can reach the host from now on. */
  cut(host: LabHost): void;
  holds(host: LabHost): boolean;
  /** Starts a director anew. */
  start(name: "a" | "b"): Running;
  /** Resolves after so many milliseconds. */
  pass(ms: number): Promise<void>;
}

/** Something that happens. Resolves when its consequences are over. */
export type Happening = (scene: Scene) => Promise<void>;

let current: VrrpLab | undefined;

/** Removes what the run under way has made: for signals, which end the bench. */
export function abandon(): void {
  current?.destroy();
}

/** Runs it once. @throws Error where the directors do not come to stand as they should */
export async function run(cast: Cast, timing: Timing, happening: Happening): Promise<RunResult> {
  const lab = new VrrpLab();
  current = lab;
  try {
    const hosts = { a: lab.addHost("a", 1), b: lab.addHost("b", 2) };
    const [client, stranger] = [lab.addHost("c", 9), lab.addHost("x", 66)];
    const isPair = cast.a.name === cast.b.name;
    const peers = { a: isPair ? hosts.b.address : undefined, b: isPair ? hosts.a.address : undefined };
    const start = (name: "a" | "b"): Running =>
      cast[name].start(lab, { host: hosts[name], priority: PRIORITIES[name], timing, peer: peers[name] });
    const directors = { a: start("a"), b: start("b") };
    for (const name of ["a", "b"] as const) {
      const role = { host: hosts[name], peer: peers[name] };
      const isReady = (): Promise<boolean> =>
        cast[name].isReady(lab, role, directors[name]).catch(() => false);
      await waitFor(`${name} takes part: ${directors[name].output()}`, isReady, START_MS);
    }
    await waitFor("a is master", () => lab.has(hosts.a, ADDRESS) && !lab.has(hosts.b, ADDRESS), START_MS);
    const hardware = [hosts.a, hosts.b].map((host) => lab.hardware(host));
    const watch = new HoldingWatch(lab, [hosts.a, hosts.b], ADDRESS);
    const prober = lab.spawn(client, process.execPath, [PROBER, ADDRESS]);
    let [told, complaint] = ["", ""];
    prober.stdout?.setEncoding("utf8").on("data", (text: string) => {
      told += text;
    });
    prober.stderr?.setEncoding("utf8").on("data", (text: string) => {
      complaint += text;
    });
    await waitFor("the prober is ready", () => {
      if (prober.exitCode !== null) throw new Error(`the prober ended: ${complaint}`);
      return told.startsWith("ready\n");
    });
    let [sinceMs, cut] = [0, undefined as { host: string; atMs: number } | undefined];
    const scene: Scene = {
      lab,
      cast,
      timing,
      ...hosts,
      stranger,
      directors,
      mark: () => {
        sinceMs = nowMs();
      },
      cut: ({ name }) => {
        cut = { host: name, atMs: nowMs() };
      },
      holds: (host) => lab.has(host, ADDRESS),
      start,
      pass,
    };
    // What the start has set off is over, and events meet the timers at any phase.
    await pass(SETTLE_MS + Math.random() * timing.advertMs);
    await happening(scene);
    const ended = once(prober, "close");
    prober.stdin?.end();
    await ended;
    const report = JSON.parse(told.slice("ready\n".length)) as ProberReport;
    return summarise(report, watch.holdings(), hardware, sinceMs, cut);
  } finally {
    current = undefined;
    lab.destroy();
  }
}

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

function pass(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
