/** `uvs kill`: resets connections. */
import { type Command, ExitCode, UsageError } from "./command.js";
import { FILTER_HELP, FILTER_OPTIONS, parseFilter } from "./targets.js";

export const killCommand: Command = {
  name: "kill",
  summary: "resets connections",
  usage: "kill [--service SERVICE [--realserver REALSERVER]] [--client ADDRESS] | --all",
  description: `Resets the connections that uvs conns lists with the same filters, on both sides, and prints
how many. Services, realservers and their weights stay as they are.

${FILTER_HELP}
  --all                     all connections; without a filter it has to be said`,
  example: "uvs kill --client 192.0.2.7",
  options: { ...FILTER_OPTIONS, all: { type: "boolean" } },
  positionals: [0, 0],
  async run({ operations, print }, args) {
    const choice = parseFilter(args);
    const hasFilter = Object.keys(choice).length > 0;
    if (hasFilter === (args.options["all"] === true)) {
      throw new UsageError(
        hasFilter ? "--all stands without a filter" : "which connections? a filter, or --all",
      );
    }
    const killed = await operations.killConnections(choice);
    print(killed === 1 ? "1 connection killed" : `${killed} connections killed`);
    return ExitCode.OK;
  },
};
