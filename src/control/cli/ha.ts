/** `uvs ha`: who has the floating addresses and why, and who shall have them. */
import type { HaChoice } from "../../core/ha-status.js";
import { type Command, type CommandContext, ExitCode, UsageError } from "./command.js";
import { renderHa } from "./ha-view.js";

const SCOPES = ["all", "foreign", "local"] as const;

export const haCommand: Command = {
  name: "ha",
  summary: "shows who has the floating addresses and why, and hands them over",
  usage: "ha status|standby|takeover|clear [all|foreign|local|INSTANCE] [--json]",
  description: `status    shows every instance: state, since when and why, priority and what it is made of,
          when the master was heard last, transitions, conflicts, and every peer
standby   leaves in order: resources are stopped, addresses removed, the peers told, so
          that another director takes over. It stays away, also if no other one is there,
          until takeover or clear
takeover  becomes master now, whatever the priorities; ends standby
clear     ends standby and forgets failures of resources: takes part again as configured

Without INSTANCE, or with all, every instance is meant. foreign and local are those of
heartbeat that belong to the other directors, and to this one.

  --json   the status as JSON, as GET /v1/ha answers it`,
  example: "uvs ha standby VI_51",
  options: { json: { type: "boolean" } },
  completes: ["status", "standby", "takeover", "clear"],
  positionals: [1, 2],
  async run(context, { options, positionals: [verb, which] }) {
    const choice = choiceOf(which);
    if (verb === "status") return status(context, choice, options["json"] === true);
    if (options["json"]) throw new UsageError("--json: accepted with status");
    await commandOf(verb, context)(choice);
    context.print(`${which ?? "all"}: ${verb} has begun; uvs ha status shows how it goes`);
    return ExitCode.OK;
  },
};

async function status({ operations, print, nowMs }: CommandContext, choice: HaChoice, isJson: boolean) {
  const all = await operations.haStatus();
  const { instance: name } = choice;
  const instances = all.instances.filter((instance) => name === undefined || instance.name === name);
  if (name !== undefined && instances.length === 0) {
    throw new UsageError(`there is no instance ${name}; uvs ha status shows all`);
  }
  const shown = { ...all, instances };
  print(isJson ? JSON.stringify(shown, null, 2) : renderHa(shown, nowMs()));
  return ExitCode.OK;
}

function commandOf(verb: string, { operations }: CommandContext): (choice: HaChoice) => Promise<void> {
  switch (verb) {
    case "standby":
      return (choice) => operations.haStandby(choice);
    case "takeover":
      return (choice) => operations.haTakeover(choice);
    case "clear":
      return (choice) => operations.haClear(choice);
    default:
      throw new UsageError(`found ${verb}, accepted is status, standby, takeover or clear`);
  }
}

function choiceOf(which: string | undefined): HaChoice {
  const scope = SCOPES.find((word) => word === which);
  if (scope !== undefined) return { scope };
  return which === undefined ? {} : { instance: which };
}
