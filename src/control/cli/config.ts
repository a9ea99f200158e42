/** `uvs config dump`: the running state as a configuration file. */
import { type Command, ExitCode, UsageError } from "./command.js";

export const configCommand: Command = {
  name: "config",
  summary: "prints the running state as a configuration file",
  usage: "config dump [--json]",
  description: `Prints what the director does now, live edits included, as the YAML file that uvsd -c accepts
and that gives the same state. What has its default is left out. The realservers' order,
which is that of their -a commands, is kept.

  --json   every value, as GET /v1/config of the control socket answers it`,
  example: "uvs config dump > /etc/uvs/uvs.yaml",
  options: { json: { type: "boolean" } },
  positionals: [1, 1],
  completes: ["dump"],
  async run({ operations, print }, { options, positionals: [action] }) {
    if (action !== "dump") {
      throw new UsageError(`config ${JSON.stringify(action)}: accepted is config dump`);
    }
    const config = await operations.runningConfig();
    if (options["json"]) {
      print(JSON.stringify(config, null, 2));
    } else {
      // Only this brings what writes YAML; no other command has to load it.
      const { dumpConfig } = await import("../../config/dump.js");
      print(dumpConfig(config).trimEnd());
    }
    return ExitCode.OK;
  },
};
