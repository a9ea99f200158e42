/** Checks the options given against the tables of what goes together. */
import { CommandLineError } from "./failure.js";
import {
  type CommandName,
  LEGALITY,
  type Legality,
  OPTION_NAMES,
  type OptionName,
  TUNNEL_LEGALITY,
} from "./options.js";

/**
 * Checks that a command has the options it needs and none that it does not take.
 * @throws CommandLineError (2) naming the first offending option in the order of OPTION_NAMES
 */
export function checkLegality(command: CommandName, given: ReadonlySet<OptionName>): void {
  check(LEGALITY[command], OPTION_NAMES, given, `'${command}' command`);
}

/**
 * Checks the tunnel options against the tunnel type.
 * @throws CommandLineError (2)
 */
export function checkTunnelLegality(
  type: keyof typeof TUNNEL_LEGALITY,
  given: ReadonlySet<OptionName>,
): void {
  const tunnelOptions = OPTION_NAMES.filter((name) => name.startsWith("tun-") && name !== "tun-type");
  check(TUNNEL_LEGALITY[type], tunnelOptions, given, `'${type}' tunnel type`);
}

/**
 * Checks that a listing does not ask for two things at once.
 * @throws CommandLineError (2)
 */
export function checkListing(given: ReadonlySet<OptionName>): void {
  const has = (...names: OptionName[]): boolean => names.some((name) => given.has(name));
  if (
    (has("connection", "timeout", "daemon") && has("stats", "rate", "thresholds")) ||
    (has("timeout", "daemon") && has("persistent-conn"))
  ) {
    throw new CommandLineError("options conflicts in the list command");
  }
}

function check(
  legality: Legality,
  options: readonly OptionName[],
  given: ReadonlySet<OptionName>,
  subject: string,
): void {
  let exclusive: OptionName | undefined;
  for (const option of options) {
    if (!given.has(option)) {
      if (legality.required?.includes(option)) {
        throw new CommandLineError(`You need to supply the '${option}' option for the ${subject}`);
      }
    } else if (legality.exclusive?.includes(option)) {
      if (exclusive !== undefined) {
        throw new CommandLineError(
          `The option '${option}' conflicts with the '${exclusive}' option in the ${subject}`,
        );
      }
      exclusive = option;
    } else if (!legality.required?.includes(option) && !legality.allowed?.includes(option)) {
      throw new CommandLineError(`Illegal '${option}' option with the ${subject}`);
    }
  }
}
