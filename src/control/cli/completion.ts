/** `uvs completion`: scripts that let a shell complete `uvs` command lines. */
import { type Command, ExitCode, UsageError } from "./command.js";
import { bashCompletion, zshCompletion } from "./completion-scripts.js";

/** @param commands asked when it runs, because this command is one of them */
export function completionCommand(commands: () => readonly Command[]): Command {
  return {
    name: "completion",
    summary: "prints what lets bash or zsh complete uvs command lines",
    usage: "completion bash|zsh",
    description: `Prints a script that knows the commands and their options. For bash source it, or write it to
/usr/share/bash-completion/completions/uvs; for zsh write it to a file _uvs in $fpath.`,
    example: "uvs completion bash > /usr/share/bash-completion/completions/uvs",
    options: {},
    positionals: [1, 1],
    completes: ["bash", "zsh"],
    async run({ print }, { positionals: [shell] }) {
      if (shell !== "bash" && shell !== "zsh") {
        throw new UsageError(`completion ${JSON.stringify(shell)}: accepted is bash or zsh`);
      }
      print(shell === "bash" ? bashCompletion(commands()) : zshCompletion(commands()));
      return ExitCode.OK;
    },
  };
}
