/** The three kinds of scripts that people have: LSB init scripts, OCF resource agents, systemd units. */
import type { Timers } from "../timers.js";
import { type Command, type ProgramEnd, runProgram } from "./program.js";
import { type Failure, RESOURCE_DEFAULTS, type Resource, type ResourceTiming } from "./resource.js";

/** An init script: `PATH ARGS... start|stop|status` (LSB 5.0, Iniscrptact; the arguments as in haresources). */
export interface LsbSettings extends ResourceTiming {
  readonly kind: "lsb";
  readonly path: string;
  readonly args?: readonly string[];
}

/** A resource agent (OCF 1.0): environment instead of arguments, `monitor` instead of `status`. */
export interface OcfSettings extends ResourceTiming {
  readonly kind: "ocf";
  /** Such as `heartbeat`. */
  readonly provider: string;
  /** Such as `Filesystem`. */
  readonly type: string;
  /** Name of the instance. @default the type */
  readonly instance?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  /** @default /usr/lib/ocf */
  readonly root?: string;
}

/** A unit of systemd. */
export interface SystemdSettings extends ResourceTiming {
  readonly kind: "systemd";
  readonly unit: string;
  /** @default /usr/bin/systemctl */
  readonly systemctl?: string;
}

/** Any of them. */
export type ScriptSettings = LsbSettings | OcfSettings | SystemdSettings;

type Action = "start" | "stop" | "status";

/** How a kind calls an action and reads its end. */
interface Convention {
  readonly name: string;
  command(action: Action): Command;
  readonly env?: Readonly<Record<string, string>>;
  /** Exit status of `status` where the resource is stopped in order. */
  readonly stoppedStatus: number;
  /** Words for exit statuses. */
  readonly meanings: readonly string[];
}

/** The program actions of LSB (§22.2), `status` apart. */
const LSB_MEANINGS = [
  "success",
  "generic or unspecified error",
  "invalid or excess argument",
  "unimplemented feature",
  "insufficient privilege",
  "program is not installed",
  "program is not configured",
  "program is not running",
];

/** OCF resource agent API, exit status codes. */
const OCF_MEANINGS = [
  "success",
  "generic error",
  "incorrect arguments",
  "unimplemented action",
  "insufficient permissions",
  "something it needs is not installed",
  "incorrectly configured",
  "not running",
  "running as promoted",
  "failed as promoted",
];

const OCF_ROOT = "/usr/lib/ocf";
const SYSTEMCTL = "/usr/bin/systemctl";

/** Makes the resource of settings. */
export function scriptResource(settings: ScriptSettings, timers: Timers): Resource {
  const times = { ...RESOURCE_DEFAULTS, ...settings };
  const { name, command, env, stoppedStatus, meanings } = convention(settings);
  const run = (action: Action, timeoutMs: number, signal?: AbortSignal): Promise<ProgramEnd> =>
    runProgram(
      command(action),
      { timeoutMs, ...(env !== undefined && { env }), ...(signal !== undefined && { signal }) },
      timers,
    );
  const failure = ({ status, reason }: ProgramEnd): Failure => {
    if (status === 0) return undefined;
    const meaning = status === undefined ? undefined : meanings[status];
    return meaning === undefined ? reason : `${meaning} (${reason})`;
  };
  return {
    name,
    monitorMs: times.monitorMs,
    async start(signal) {
      const before = await run("status", times.startTimeoutMs, signal);
      if (before.status === 0) return undefined;
      if (signal.aborted) return "stopped";
      return failure(await run("start", times.startTimeoutMs, signal));
    },
    async stop() {
      return failure(await run("stop", times.stopTimeoutMs));
    },
    async monitor() {
      const found = await run("status", times.startTimeoutMs);
      return found.status === stoppedStatus ? "not running" : failure(found);
    },
  };
}

function convention(settings: ScriptSettings): Convention {
  switch (settings.kind) {
    case "lsb": {
      const { path, args = [] } = settings;
      return {
        name: ["lsb", path, ...args].join(" "),
        command: (action) => ({ path, args: [...args, action] }),
        stoppedStatus: 3,
        meanings: LSB_MEANINGS,
      };
    }
    case "ocf": {
      const { provider, type, instance = type, parameters = {}, root = OCF_ROOT } = settings;
      const keys = Object.entries(parameters).map(([key, value]) => [`OCF_RESKEY_${key}`, value]);
      return {
        name: `ocf ${provider}:${type} ${instance}`,
        command: (action) => ({
          path: `${root}/resource.d/${provider}/${type}`,
          args: [action === "status" ? "monitor" : action],
        }),
        env: {
          OCF_ROOT: root,
          OCF_RA_VERSION_MAJOR: "1",
          OCF_RA_VERSION_MINOR: "0",
          OCF_RESOURCE_INSTANCE: instance,
          OCF_RESOURCE_TYPE: type,
          OCF_RESOURCE_PROVIDER: provider,
          ...Object.fromEntries(keys),
        },
        stoppedStatus: 7,
        meanings: OCF_MEANINGS,
      };
    }
    case "systemd": {
      const { unit, systemctl = SYSTEMCTL } = settings;
      return {
        name: `systemd ${unit}`,
        command: (action) => ({
          path: systemctl,
          args: action === "status" ? ["is-active", "--quiet", unit] : [action, unit],
        }),
        stoppedStatus: 3,
        meanings: [],
      };
    }
  }
}
