/** `uvs reload`: the configuration file again. */
import { type Command, ExitCode } from "./command.js";

export const reloadCommand: Command = {
  name: "reload",
  summary: "reads the configuration file again and applies the difference",
  usage: "reload",
  description: `Reads the director's configuration file again and applies what is different; no connection
is lost. Prints a line for each difference. A file with errors changes nothing: the errors
are printed and the exit status is 1.`,
  example: "uvs reload",
  options: {},
  positionals: [0, 0],
  async run({ operations, print }) {
    const { changes } = await operations.reload();
    print(changes.length === 0 ? "nothing changed" : changes.join("\n"));
    return ExitCode.OK;
  },
};
