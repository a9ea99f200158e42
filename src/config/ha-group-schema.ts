/** What a group of floating addresses can have under `ha`, whatever protocol moves it: resources, announcements, hooks. */
import type { z } from "zod";
import { duration, field, integer, list, section, text } from "./fields.js";
import { command, haName, ocfAgent, path, url } from "./ha-values.js";
import { refuse } from "./refuse.js";

/** One resource, values read. */
export type ResourceEntry = z.output<typeof resource>;
/** Resources, values read. */
export type ResourcesEntry = z.output<typeof resourcesSchema>;
/** Announcements, values read. */
export type AnnounceEntry = z.output<typeof announceSchema>;
/** Recovery, values read. */
export type RecoveryEntry = z.output<typeof recoverySchema>;
/** Hooks, values read. */
export type NotifyEntry = z.output<ReturnType<typeof notifySchema>>;

/** Whom to tell of changes of state. */
export function notifySchema() {
  return section({
    master: command.optional().describe("Run when it becomes master."),
    backup: command.optional().describe("Run when it becomes backup."),
    fault: command.optional().describe("Run when it has a fault."),
    stop: command.optional().describe("Run when it ends."),
    conflict: command.optional().describe("Run when a second master was heard and this one stays."),
    any: command
      .optional()
      .describe("Run for every state with INSTANCE or GROUP, name, state, priority behind its arguments."),
    webhooks: list(url, "URLs").describe("Every change is posted to them as JSON."),
    timeout: duration("1s", "1h").prefault("30s").describe("Of one script or request."),
  });
}

const times = {
  monitor: duration("0s", "1d").prefault("10s").describe("Between two looks whether it runs; 0 is none."),
  "start-timeout": duration("1s", "1h").prefault("20s").describe("Of starting it."),
  "stop-timeout": duration("1s", "1h").prefault("20s").describe("Of stopping it."),
};

const resource = section({
  lsb: path.optional().describe("An init script: PATH ARGS start, stop, status."),
  args: list(text(4096, "text"), "texts").describe("Arguments of lsb, before the action."),
  ocf: ocfAgent.optional().describe("An OCF resource agent: PROVIDER:TYPE."),
  instance: haName.optional().describe("Name of the OCF instance; the type."),
  parameters: field(parseParameters, { type: "object", additionalProperties: { type: "string" } })
    .optional()
    .describe("Parameters of the OCF agent, its OCF_RESKEY_ variables."),
  systemd: text(256, "the name of a unit").optional().describe("A unit of systemd."),
  ...times,
});

/** Resources in the order of starting. */
export const resourcesSchema = list(resource, "resources");

/** How addresses are announced. */
export const announceSchema = section({
  repeat: integer(1, 100).prefault(5).describe("Gratuitous ARPs or neighbour advertisements of a burst."),
  delay: duration("0s", "1h").prefault("5s").describe("From the first burst to the second; 0 is no second."),
  refresh: duration("0s", "1d").prefault("60s").describe("Between single ones in the long run; 0 is none."),
}).prefault({});

/** What failures of resources lead to. */
export const recoverySchema = section({
  restarts: integer(0, 1000).prefault(3).describe("Failures of one resource that are answered by a restart."),
  retry: duration("0s", "7d")
    .prefault("60s")
    .describe("After one more the group stays away for so long; 0 is until uvs ha clear."),
  release: duration("0s", "1h")
    .prefault("10s")
    .describe("How long resources may take to stop before the addresses go all the same."),
}).prefault({});

function parseParameters(input: unknown): Record<string, string> {
  const accepted = "a mapping of names to texts";
  if (typeof input !== "object" || input === null || Array.isArray(input)) return refuse(input, accepted);
  const wrong = Object.values(input).find((value) => typeof value !== "string");
  return wrong === undefined ? { ...input } : refuse(wrong, accepted, "a number must stand in quotes");
}
