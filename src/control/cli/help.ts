/** The texts of `uvs help`: each fits a screen of 24 lines and 100 columns. */
import { DEFAULT_SOCKET_PATH } from "../socket-path.js";
import type { Command } from "./command.js";
import { renderTable } from "./table.js";

/** The list of commands. */
export function overviewHelp(commands: readonly Command[]): string {
  const list = [
    ...commands.map(({ name, summary }) => [`  ${name}`, summary]),
    ["  help [COMMAND]", "shows this list, or what one command does"],
  ];
  return `uvs: commands to a running director
usage: uvs [--socket PATH] COMMAND [ARGUMENT ...]

${renderTable(list)}

  --socket PATH   the director's control socket; without it UVS_SOCKET, then ${DEFAULT_SOCKET_PATH}
  -h, --help      what the command does          --version   the version of uvs
Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 differences found.  Example: uvs status`;
}

/** What one command does. */
export function commandHelp(command: Command): string {
  return `uvs ${command.name}: ${command.summary}

usage: uvs ${command.usage}

${command.description}

Example: ${command.example}`;
}
