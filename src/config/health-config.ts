/** The health of a service: from a file's entry to settings, and back to the entry that means them. */
import { CHECK_OPTIONS, hyphened, OPTIONS_OF_KIND, optionKey } from "../core/check-options.js";
import {
  type AlertAction,
  type AlertSpec,
  type CheckOption,
  type CheckSettings,
  checkTiming,
  DEFAULT_DAMPING,
  DEFAULT_HEALTH,
  type HealthSettings,
  type PassiveSpec,
} from "../core/health-settings.js";
import { CHECK_HEADERS } from "./health-schema.js";
import type { ServiceEntry } from "./schema.js";

type HealthEntry = Pick<
  ServiceEntry,
  | "health"
  | "on-down"
  | "close-sessions"
  | "slow-start"
  | "quorum"
  | "hysteresis"
  | "panic"
  | "quorum-up"
  | "quorum-down"
  | "passive"
  | "alerts"
>;
type CheckEntry = NonNullable<ServiceEntry["health"]>[number];
type Mapping = Readonly<Record<string, unknown>>;

/** Undefined where the file has neither checks nor passive marks. */
export function toHealth(entry: HealthEntry): HealthSettings | undefined {
  const { health, passive } = entry;
  if (health == null && passive === undefined) return undefined;
  return {
    checks: (health ?? []).map(toCheck),
    onDown: entry["on-down"] ?? DEFAULT_HEALTH.onDown,
    closeSessions: entry["close-sessions"] ?? DEFAULT_HEALTH.closeSessions,
    slowStartMs: entry["slow-start"] ?? DEFAULT_HEALTH.slowStartMs,
    quorum: entry.quorum ?? DEFAULT_HEALTH.quorum,
    hysteresis: entry.hysteresis ?? DEFAULT_HEALTH.hysteresis,
    panicPercent: entry.panic ?? DEFAULT_HEALTH.panicPercent,
    ...(passive && { passive: toPassive(passive) }),
    quorumUp: entry["quorum-up"] ?? [],
    quorumDown: entry["quorum-down"] ?? [],
    alerts: (entry.alerts ?? []).map(toAlert),
  };
}

/** The options of a check's kind, by their names. */
export function optionsOf(entry: Readonly<Record<string, unknown>>): Record<string, CheckOption> {
  const names = OPTIONS_OF_KIND[String(entry["type"])] ?? [];
  const values = names.map((name) => [name, entry[optionKey(name)]] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined)) as Record<string, CheckOption>;
}

/** Keys of options that stand in a check and are of other kinds. */
export function foreignOptions(entry: Readonly<Record<string, unknown>>): string[] {
  const own = OPTIONS_OF_KIND[String(entry["type"])] ?? [];
  return Object.keys(CHECK_OPTIONS)
    .filter((name) => !own.includes(name) && entry[optionKey(name)] !== undefined)
    .map(optionKey);
}

function toCheck(entry: CheckEntry): CheckSettings {
  const { address, port } = entry;
  return {
    type: entry.type,
    options: optionsOf(entry),
    ...((address ?? port) !== undefined && { target: given({ address, port }) }),
    ...(entry["proxy-protocol"] && {
      proxyProtocol: CHECK_HEADERS.indexOf(entry["proxy-protocol"]) as 0 | 1 | 2,
    }),
    timing: checkTiming(
      given({
        intervalMs: entry.interval,
        fastIntervalMs: entry["fast-interval"],
        downIntervalMs: entry["down-interval"],
        timeoutMs: entry.timeout,
        jitterPercent: entry.jitter,
        warmupMs: entry.warmup,
        countFrom: entry["count-from"],
      }),
    ),
    rules: {
      rise: entry.rise,
      fall: entry.fall,
      initial: entry.initial,
      ...(entry.damping && { damping: DEFAULT_DAMPING }),
    },
  };
}

function toPassive(entry: NonNullable<HealthEntry["passive"]>): PassiveSpec {
  return {
    errorLimit: entry["error-limit"],
    onError: entry["on-error"],
    baseMs: entry.base,
    maxMs: entry.max,
    growth: entry.growth,
    jitterPercent: entry.jitter,
    maxEjectedPercent: entry["max-ejected"],
    atLeastOne: entry["at-least-one"],
    activeEndsEjection: entry["check-ends"],
  };
}

function toAlert(entry: NonNullable<HealthEntry["alerts"]>[number]): AlertSpec {
  const { every } = entry;
  return {
    down: entry.down ?? [],
    up: entry.up ?? [],
    after: { count: entry.after, ...given({ windowMs: entry["after-time"] }) },
    ...(every !== undefined && {
      every: { intervalMs: every, unlessChanged: entry["unless-changed"], strict: entry.strict },
    }),
    ...given({ maxCalls: entry["max-calls"], upAfterMs: entry["up-after"] }),
    upAlways: entry["up-always"],
    timeoutMs: entry.timeout,
  };
}

/** The keys of a service that mean these settings; what has its default is left out. */
export function healthEntry(health: HealthSettings | undefined): Mapping {
  if (health === undefined) return {};
  const { checks, passive, alerts } = health;
  const different = <Key extends keyof HealthSettings>(key: Key) =>
    health[key] === DEFAULT_HEALTH[key] ? undefined : health[key];
  return given({
    health: checks.length === 0 ? undefined : checks.map(checkEntry),
    "on-down": different("onDown"),
    "close-sessions": different("closeSessions"),
    "slow-start": health.slowStartMs === 0 ? undefined : duration(health.slowStartMs),
    quorum: different("quorum"),
    hysteresis: different("hysteresis"),
    panic: different("panicPercent"),
    "quorum-up": actionEntries(health.quorumUp),
    "quorum-down": actionEntries(health.quorumDown),
    passive: passive && {
      "error-limit": passive.errorLimit,
      "on-error": passive.onError,
      base: duration(passive.baseMs),
      max: duration(passive.maxMs),
      growth: passive.growth,
      jitter: passive.jitterPercent,
      "max-ejected": passive.maxEjectedPercent,
      "at-least-one": passive.atLeastOne,
      "check-ends": passive.activeEndsEjection,
    },
    alerts: alerts.length === 0 ? undefined : alerts.map(alertEntry),
  });
}

function checkEntry({ type, options, target, proxyProtocol, timing, rules }: CheckSettings): Mapping {
  return given({
    type,
    ...Object.fromEntries(
      Object.entries(options).map(([name, value]) => [optionKey(name), optionEntry(name, value)]),
    ),
    address: target?.address,
    port: target?.port,
    "proxy-protocol": proxyProtocol === undefined ? undefined : CHECK_HEADERS[proxyProtocol],
    interval: duration(timing.intervalMs),
    "fast-interval": duration(timing.fastIntervalMs),
    "down-interval": duration(timing.downIntervalMs),
    timeout: duration(timing.timeoutMs),
    jitter: timing.jitterPercent,
    warmup: duration(timing.warmupMs),
    "count-from": timing.countFrom,
    rise: rules.rise,
    fall: rules.fall,
    initial: rules.initial,
    damping: rules.damping && true,
  });
}

function optionEntry(name: string, value: CheckOption): unknown {
  if (name === "steps") return (value as readonly Mapping[]).map(hyphenedKeys);
  return name === "tls" ? hyphenedKeys(value as Mapping) : value;
}

function hyphenedKeys(mapping: Mapping): Mapping {
  return Object.fromEntries(Object.entries(mapping).map(([key, value]) => [hyphened(key), value]));
}

function alertEntry(alert: AlertSpec): Mapping {
  const { after, every } = alert;
  return given({
    down: actionEntries(alert.down),
    up: actionEntries(alert.up),
    after: after.count,
    "after-time": after.windowMs === undefined ? undefined : duration(after.windowMs),
    every: every && duration(every.intervalMs),
    "unless-changed": every?.unlessChanged,
    strict: every?.strict,
    "max-calls": alert.maxCalls,
    "up-after": alert.upAfterMs === undefined ? undefined : duration(alert.upAfterMs),
    "up-always": alert.upAlways,
    timeout: duration(alert.timeoutMs),
  });
}

function actionEntries(actions: readonly AlertAction[]): readonly AlertAction[] | undefined {
  return actions.length === 0 ? undefined : actions;
}

/** Without the keys that have no value. */
function given<T extends object>(mapping: T): T {
  return Object.fromEntries(Object.entries(mapping).filter(([, value]) => value !== undefined)) as T;
}

function duration(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}
