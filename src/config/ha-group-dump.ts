/** What a group has besides its addresses: from settings back to the section that means them, and how values are written. */
import type {
  HaAnnounceSettings,
  HaNotifySettings,
  HaRecoverySettings,
  HaResourceSettings,
} from "../core/ha-settings.js";

/** Keys of programs, in the order of the documentation. */
const HOOKS = ["master", "backup", "fault", "stop", "conflict", "any"] as const;

/** A part of a file. */
export type Mapping = Readonly<Record<string, unknown>>;

/** Everything but the addresses, as far as it differs from the defaults. */
export function groupEntry(group: {
  readonly announce: HaAnnounceSettings;
  readonly resources: readonly HaResourceSettings[];
  readonly recovery: HaRecoverySettings;
  readonly notify: HaNotifySettings;
}): Mapping {
  const { announce } = group;
  return {
    announce: given({
      repeat: unless(announce.repeat, 5),
      delay: time(announce.delayMs, 5000),
      refresh: time(announce.refreshMs, 60_000),
    }),
    resources: group.resources.map(resourceEntry),
    recovery: recoveryEntry(group.recovery),
    notify: notifyEntry(group.notify),
  };
}

function recoveryEntry({ restarts, retryMs, releaseMs }: HaRecoverySettings): Mapping {
  return given({
    restarts: unless(restarts, 3),
    retry: time(retryMs, 60_000),
    release: time(releaseMs, 10_000),
  });
}

function resourceEntry(resource: HaResourceSettings): Mapping {
  const { monitorMs, startTimeoutMs, stopTimeoutMs } = resource;
  const times = {
    monitor: time(monitorMs, 10_000),
    "start-timeout": time(startTimeoutMs, 20_000),
    "stop-timeout": time(stopTimeoutMs, 20_000),
  };
  switch (resource.kind) {
    case "lsb":
      return given({ lsb: resource.path, args: resource.args, ...times });
    case "ocf": {
      const { provider, type, instance, parameters } = resource;
      return given({ ocf: `${provider}:${type}`, instance, parameters, ...times });
    }
    case "systemd":
      return given({ systemd: resource.unit, ...times });
  }
}

/** Hooks. */
export function notifyEntry({ webhooks, timeoutMs, ...hooks }: HaNotifySettings): Mapping {
  const commands = HOOKS.map((state) => [state, hooks[state] && commandEntry(hooks[state])]);
  return given({ ...Object.fromEntries(commands), webhooks, timeout: time(timeoutMs, 30_000) });
}

/** As a text, where that is read as the same words. */
export function commandEntry({
  path,
  args,
}: {
  readonly path: string;
  readonly args: readonly string[];
}): unknown {
  const words = [path, ...args];
  return words.every((word) => /^\S+$/.test(word)) ? words.join(" ") : { program: path, args };
}

/** Without what is missing or empty. */
export function given(mapping: Mapping): Mapping {
  const kept = Object.entries(mapping).filter(([, value]) => {
    if (Array.isArray(value)) return value.length > 0;
    return typeof value === "object" && value !== null ? Object.keys(value).length > 0 : value !== undefined;
  });
  return Object.fromEntries(kept);
}

/** A value other than its default. */
export function unless<T>(value: T, normal: T): T | undefined {
  return value === normal ? undefined : value;
}

/** A time other than its default. */
export function time(ms: number, normalMs: number): string | undefined {
  return ms === normalMs ? undefined : duration(ms);
}

/** A time with its unit. */
export function duration(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}
