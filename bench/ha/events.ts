/** What happens to the directors: the rows of the table. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { waitFor } from "../../test/helpers/wait-for.js";
import { keepalivedProduct, type Product, type Timing, uvsProduct } from "./products.js";
import type { Cast, Happening, Scene } from "./scene.js";
import {
  AS_KEEPALIVED,
  FAILBACK,
  GUARDED,
  HANDOVER,
  HEALED,
  ON_TIME,
  skewTimePlus,
  type Target,
  UNNOTICED,
  WOKEN,
} from "./targets.js";

/** One row. */
export interface HaEvent {
  readonly name: string;
  readonly title: string;
  readonly timings: readonly Timing[];
  readonly happening: Happening;
  /** Who is compared: uvs with uvs beside keepalived with keepalived, where nothing else is said. */
  readonly casts?: readonly Cast[];
  readonly target: Target;
}

const V2: Timing = { name: "v2 1 s", version: 2, advertMs: 1000, together: 6 };
const V3: Timing = { name: "v3 100 ms", version: 3, advertMs: 100, together: 2 };
const V3_FAST: Timing = { name: "v3 10 ms", version: 3, advertMs: 10, together: 2 };
const V3_LONG: Timing = { name: "v3 5 s", version: 3, advertMs: 5000, together: 10 };

const both = (product: Product): Cast => ({ a: product, b: product });
/** Both products by themselves. */
export const SIDE_BY_SIDE: readonly Cast[] = [both(uvsProduct), both(keepalivedProduct)];
const FOREIGN: readonly Cast[] = [
  { a: uvsProduct, b: keepalivedProduct },
  { a: keepalivedProduct, b: uvsProduct },
  both(keepalivedProduct),
];

const FLOOD = fileURLToPath(new URL("./flood.js", import.meta.url));
const DEADLINE_MS = 60_000;
/** Until a cable is pulled for certain. */
const UNPLUGGED_MS = 5;
/** After everything is as it shall be: what is still announced, answered, noticed. */
const AFTERMATH_MS = 300;

export const EVENTS: readonly HaEvent[] = [
  {
    name: "crash",
    title: "crash of the whole host: processes killed, address unreachable",
    timings: [V2, V3, V3_FAST],
    target: AS_KEEPALIVED,
    happening: losingMaster(async (scene) => {
      unplug(scene);
      // When nothing gets out any more, not even of the guardian.
      await scene.pass(UNPLUGGED_MS);
      scene.lab.killAll(scene.a);
    }),
  },
  {
    name: "cable",
    title: "cable pulled",
    timings: [V2, V3, V3_FAST],
    target: AS_KEEPALIVED,
    happening: losingMaster(unplug),
  },
  {
    name: "interface",
    title: "interface down",
    timings: [V2, V3, V3_FAST],
    target: AS_KEEPALIVED,
    happening: losingMaster(({ ip }) => ip.atA.run("link set eth0 down")),
  },
  {
    name: "sigterm-foreign",
    title: "SIGTERM, foreign peer",
    timings: [V2, V3],
    target: skewTimePlus(5),
    casts: FOREIGN,
    happening: stopped,
  },
  {
    name: "sigterm",
    title: "SIGTERM, own peer",
    timings: [V2, V3_LONG],
    target: HANDOVER,
    happening: stopped,
  },
  {
    name: "standby",
    title: "uvs ha standby, own peer",
    timings: [V2, V3_LONG],
    target: HANDOVER,
    casts: [both(uvsProduct)],
    happening: async (scene) => {
      scene.mark();
      scene.cast.a.standby?.(scene.lab, scene.a);
      await taken(scene);
    },
  },
  {
    name: "sigkill",
    title: "SIGKILL of the director, host alive",
    timings: [V2, V3],
    target: GUARDED,
    happening: async (scene) => {
      const pids =
        scene.cast.a.name === "uvs" ? [scene.directors.a.child.pid ?? 0] : programs(scene, /keepalived/);
      scene.mark();
      for (const pid of pids) process.kill(pid, "SIGKILL");
      await taken(scene);
    },
  },
  {
    name: "sigkill-forwarder",
    title: "SIGKILL of the forwarder",
    timings: [V3],
    target: UNNOTICED,
    casts: [both(uvsProduct)],
    happening: (scene) => killed(scene, /forwarder\/worker\.js/),
  },
  {
    name: "sigkill-guardian",
    title: "SIGKILL of the guardian",
    timings: [V3],
    target: UNNOTICED,
    casts: [both(uvsProduct)],
    happening: (scene) => killed(scene, /guardian/),
  },
  {
    name: "failback",
    title: "failback by preemption",
    timings: [V2, V3],
    target: FAILBACK,
    happening: async (scene) => {
      await scene.directors.a.stop();
      await waitFor("b is master", () => scene.holds(scene.b), DEADLINE_MS);
      await scene.pass(AFTERMATH_MS);
      scene.mark();
      scene.start("a");
      await waitFor("a is master again", () => scene.holds(scene.a) && !scene.holds(scene.b), DEADLINE_MS);
      await scene.pass(AFTERMATH_MS);
    },
  },
  {
    name: "heal",
    title: "a partition heals",
    timings: [V2, V3],
    target: HEALED,
    happening: async (scene) => {
      scene.lab.partition([scene.a, scene.b], true);
      await waitFor("both are masters", () => scene.holds(scene.a) && scene.holds(scene.b), DEADLINE_MS);
      await scene.pass(AFTERMATH_MS);
      await scene.meet();
      scene.mark();
      for (const { name } of [scene.a, scene.b]) {
        scene.ip.atSwitch.run(`link set p${name} type bridge_slave isolated off`);
      }
      await waitFor("a is the only master", () => scene.holds(scene.a) && !scene.holds(scene.b), DEADLINE_MS);
      await scene.pass(2 * scene.timing.advertMs + AFTERMATH_MS);
    },
  },
  {
    name: "stall",
    title: "SIGSTOP for longer than the down interval, then SIGCONT",
    timings: [V2, V3],
    target: WOKEN,
    happening: async (scene) => {
      const pids =
        scene.cast.a.name === "uvs" ? [scene.directors.a.child.pid ?? 0] : programs(scene, /keepalived/);
      for (const pid of pids) process.kill(pid, "SIGSTOP");
      await waitFor("b is master", () => scene.holds(scene.b), DEADLINE_MS);
      await scene.pass(scene.timing.advertMs);
      scene.mark();
      for (const pid of pids) process.kill(pid, "SIGCONT");
      await waitFor("one is master", () => scene.holds(scene.a) !== scene.holds(scene.b), DEADLINE_MS);
      await scene.pass(4 * scene.timing.advertMs + AFTERMATH_MS);
    },
  },
  {
    name: "flood",
    title: "a flood of rejected advertisements",
    timings: [V2, V3],
    target: ON_TIME,
    happening: async (scene) => {
      scene.mark();
      const flood = scene.lab.spawn(scene.stranger, process.execPath, [FLOOD, scene.stranger.address]);
      await scene.pass(3 * scene.timing.advertMs + 1000);
      flood.kill("SIGKILL");
      await scene.pass(AFTERMATH_MS);
    },
  },
];

async function stopped(scene: Scene): Promise<void> {
  scene.mark();
  void scene.directors.a.stop();
  await taken(scene);
}

/** The master's host is lost, the way that `lose` has it. */
function losingMaster(lose: (scene: Scene) => void | Promise<void>): Happening {
  return async (scene) => {
    await scene.meet();
    scene.mark();
    scene.cut(scene.a);
    await lose(scene);
    await taken(scene);
  };
}

function unplug({ a, ip }: Scene): void {
  ip.atSwitch.run(`link set p${a.name} down`);
}

/** `b` has the address, and what follows from that is over. */
async function taken(scene: Scene): Promise<void> {
  await waitFor("b is master", () => scene.holds(scene.b), DEADLINE_MS);
  await scene.pass(AFTERMATH_MS);
}

async function killed(scene: Scene, name: RegExp): Promise<void> {
  const pids = programs(scene, name);
  if (pids.length === 0) throw new Error(`no process of a is called ${name.source}`);
  scene.mark();
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await scene.pass(1000 + 5 * scene.timing.advertMs);
}

/** Processes of `a` by their command line. */
function programs({ lab, a }: Scene, name: RegExp): number[] {
  return lab.pids(a).filter((pid) => name.test(commandLine(pid)));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
