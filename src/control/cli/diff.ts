/** `uvs diff FILE`: how the running state differs from a configuration file. */
import { type Command, ExitCode } from "./command.js";

export const diffCommand: Command = {
  name: "diff",
  summary: "shows how the running state differs from a configuration file",
  usage: "diff FILE [--json]",
  description: `Prints a line for each change that would make the running state what the file says; nothing
is changed. A file with errors is told as uvsd -t does, with exit status 1.
The exit status is 3 where there are differences.

  --json   as { "changes": [...] }`,
  example: "uvs diff /etc/uvs/uvs.yaml",
  options: { json: { type: "boolean" } },
  positionals: [1, 1],
  completes: "files",
  async run({ operations, print }, { options, positionals: [file] }) {
    // What reads a configuration takes longer to load than most commands to run: whoever needs it loads it.
    const { describeChange, diffConfigs } = await import("../../config/diff.js");
    const { loadConfig } = await import("../../config/load.js");
    const { SCHEDULER_NAMES } = await import("../../schedulers/registry.js");
    const next = loadConfig(file, { schedulers: SCHEDULER_NAMES });
    const changes = diffConfigs(await operations.runningConfig(), next).map(describeChange);
    if (options["json"]) print(JSON.stringify({ changes }, null, 2));
    else print(changes.length === 0 ? "no differences" : changes.join("\n"));
    return changes.length === 0 ? ExitCode.OK : ExitCode.DIFFERENT;
  },
};
