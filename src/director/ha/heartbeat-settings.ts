/** Heartbeat's settings from what is configured. */
import type { HaSettings } from "../../core/ha-settings.js";
import type { HeartbeatSettings } from "../../ha/heartbeat/settings.js";

/** Undefined where no cluster is configured. */
export function heartbeatSettings({ floating, heartbeat }: HaSettings): HeartbeatSettings | undefined {
  if (heartbeat === undefined) return undefined;
  return {
    ...heartbeat,
    groups: heartbeat.groups.map(({ floating: names, recovery, ...group }) => ({
      ...group,
      floating: names.flatMap((name) =>
        floating.filter(({ address }) => address === name).map(({ isAdvertised: _, ...rest }) => rest),
      ),
      group: recovery,
    })),
    fencing: Object.fromEntries(heartbeat.fencing.map(({ node, ...fence }) => [node, fence])),
  };
}
