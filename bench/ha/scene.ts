/**
 * One run: two directors on a link, a client that probes the floating address every millisecond, and something that
 * happens to them. `a` is master before it happens, `b` its backup. A scene is set up first, and played when others that
 * were set up together with it have had their turn: so they wait for their masters at the same time.
 */
import { type LabHost, VrrpLab } from "../../test/helpers/vrrp-lab.js";
import { waitFor } from "../../test/helpers/wait-for.js";
import { Client, pass } from "./client.js";
import { HoldingWatch } from "./holdings.js";
import { IpShell } from "./ip-shell.js";
import { type RunResult, summarise } from "./observations.js";
import { ADDRESS, type Product, type Running, type Timing } from "./products.js";
import { nowMs } from "./wall-clock.js";

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
  /** `ip` commands that take effect at once: at the bridge, and on the master's host. */
  readonly ip: { readonly atSwitch: IpShell; readonly atA: IpShell };
  /** Resolves at the run's phase of the interval after an advertisement of `a`. */
  meet(): Promise<void>;
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

const present = new Set<Stage>();

/** Removes what the runs under way have made: for signals, which end the bench. */
export function abandon(): void {
  for (const stage of present) stage.destroy();
}

/** The place of one run: hosts, and directors that have been started. */
export class Stage {
  readonly #cast: Cast;
  readonly #timing: Timing;
  readonly #lab = new VrrpLab();
  readonly #hosts: { readonly a: LabHost; readonly b: LabHost };
  readonly #peers: { readonly a: string | undefined; readonly b: string | undefined };
  readonly #client: LabHost;
  readonly #stranger: LabHost;
  readonly #directors: { a: Running; b: Running };

  /** Starts the directors, and waits for nothing. */
  constructor(cast: Cast, timing: Timing) {
    present.add(this);
    this.#cast = cast;
    this.#timing = timing;
    const lab = this.#lab;
    const hosts = { a: lab.addHost("a", 1), b: lab.addHost("b", 2) };
    const isPair = cast.a.name === cast.b.name;
    this.#hosts = hosts;
    this.#peers = isPair ? { a: hosts.b.address, b: hosts.a.address } : { a: undefined, b: undefined };
    this.#client = lab.addHost("c", 9);
    this.#stranger = lab.addHost("x", 66);
    this.#directors = { a: this.#start("a"), b: this.#start("b") };
  }

  /**
   * Lets it happen.
   * @param phase where in the interval it meets the advertisements, from 0 to 1
   * @throws Error where the directors do not come to stand as they should
   */
  async play(happening: Happening, phase: number): Promise<RunResult> {
    await this.#ready();
    const { a, b } = this.#hosts;
    const lab = this.#lab;
    const hardware = [a, b].map((host) => lab.hardware(host));
    const watch = new HoldingWatch(lab, [a, b], ADDRESS);
    const client = new Client(lab, this.#client, hardware[0]);
    const ip = { atSwitch: new IpShell(lab, lab.switch), atA: new IpShell(lab, a) };
    await client.ready();
    let [sinceMs, cut] = [0, undefined as { host: string; atMs: number } | undefined];
    const scene: Scene = {
      lab,
      cast: this.#cast,
      timing: this.#timing,
      a,
      b,
      stranger: this.#stranger,
      directors: this.#directors,
      ip,
      meet: () => client.meet(phase, this.#timing),
      mark: () => {
        sinceMs = nowMs();
      },
      cut: ({ name }) => {
        cut = { host: name, atMs: nowMs() };
      },
      holds: (host) => watch.holds(host),
      start: (name) => {
        this.#directors[name] = this.#start(name);
        return this.#directors[name];
      },
      pass,
    };
    // What the start has set off is over.
    await pass(SETTLE_MS);
    await happening(scene);
    return summarise(await client.end(), watch.holdings(), hardware, sinceMs, cut);
  }

  /** Kills the directors and what watched them. */
  end(): void {
    this.#lab.endPrograms();
  }

  destroy(): void {
    if (present.delete(this)) this.#lab.destroy();
  }

  #start(name: "a" | "b"): Running {
    const role = { host: this.#hosts[name], priority: PRIORITIES[name], peer: this.#peers[name] };
    return this.#cast[name].start(this.#lab, { ...role, timing: this.#timing });
  }

  async #ready(): Promise<void> {
    const { a, b } = this.#hosts;
    for (const name of ["a", "b"] as const) {
      const role = { host: this.#hosts[name], peer: this.#peers[name] };
      const running = this.#directors[name];
      const isReady = (): Promise<boolean> =>
        this.#cast[name].isReady(this.#lab, role, running).catch(() => false);
      await waitFor(`${name} takes part: ${running.output()}`, isReady, START_MS);
    }
    const lab = this.#lab;
    await waitFor("a is master", () => lab.has(a, ADDRESS) && !lab.has(b, ADDRESS), START_MS);
  }
}
