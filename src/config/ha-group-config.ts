/** What a group has besides its addresses: from a file's section to settings. */
import type {
  HaAnnounceSettings,
  HaNotifySettings,
  HaRecoverySettings,
  HaResourceSettings,
} from "../core/ha-settings.js";
import type {
  AnnounceEntry,
  NotifyEntry,
  RecoveryEntry,
  ResourceEntry,
  ResourcesEntry,
} from "./ha-group-schema.js";

/** What every group can have. */
interface GroupEntry {
  readonly announce: AnnounceEntry;
  readonly resources?: ResourcesEntry;
  readonly recovery: RecoveryEntry;
  readonly notify: NotifyEntry;
}

/** The same as settings. */
interface GroupParts {
  readonly announce: HaAnnounceSettings;
  readonly resources: readonly HaResourceSettings[];
  readonly recovery: HaRecoverySettings;
  readonly notify: HaNotifySettings;
}

/** Everything but the addresses. */
export function toGroupParts({ announce, resources, recovery, notify }: GroupEntry): GroupParts {
  return {
    announce: { repeat: announce.repeat, delayMs: announce.delay, refreshMs: announce.refresh },
    resources: (resources ?? []).map(toResource),
    recovery: { restarts: recovery.restarts, retryMs: recovery.retry, releaseMs: recovery.release },
    notify: toNotify(notify),
  };
}

function toResource(entry: ResourceEntry): HaResourceSettings {
  const times = {
    monitorMs: entry.monitor,
    startTimeoutMs: entry["start-timeout"],
    stopTimeoutMs: entry["stop-timeout"],
  };
  const { lsb, ocf, instance, systemd } = entry;
  if (lsb !== undefined) return { kind: "lsb", path: lsb, args: entry.args ?? [], ...times };
  if (ocf !== undefined) {
    const parameters = entry.parameters ?? {};
    return { kind: "ocf", ...ocf, ...(instance !== undefined && { instance }), parameters, ...times };
  }
  // One of the three is there: that was checked.
  return { kind: "systemd", unit: systemd!, ...times };
}

/** Hooks. */
export function toNotify({ timeout, webhooks, ...hooks }: NotifyEntry): HaNotifySettings {
  return { ...hooks, webhooks: webhooks ?? [], timeoutMs: timeout };
}
