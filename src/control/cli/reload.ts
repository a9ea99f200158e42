/** `uvs reload`: the configuration file again. */
import { type Command, ExitCode } from "./command.js";

export const reloadCommand: Command = {
  name: "reload",
  summary: "reads the configuration file again and applies the difference",
  usage: "reload [--json]",
  description: `Reads the director's configuration file again and applies what is different; no connection
is lost. Prints a line for each difference. A file with errors changes nothing: the errors
are printed and the exit status is 1.

  --json   as { "changes": [...] }`,
  example: "uvs reload",
  options: { json: { type: "boolean" } },
  positionals: [0, 0],
  async run({ operations, print }, { options }) {
    const { changes } = await operations.reload();
    if (options["json"]) print(JSON.stringify({ changes }, null, 2));
    else print(changes.length === 0 ? "nothing changed" : changes.join("\n"));
    return ExitCode.OK;
  },
};
