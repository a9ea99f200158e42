/** What a command has printed and how it ended, and ipvsadm's words for what a director refuses. */

import type { ErrorCode } from "../../core/errors.js";
import { UvsError } from "../../core/errors.js";
import type { IpvsadmCommand } from "./command.js";
import { type CommandLineError, EXIT } from "./failure.js";

/** The end of one command. */
export interface Outcome {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether a restore that this line belongs to stops here. */
  readonly endsRestore: boolean;
}

/** A command that did what it should. */
export function success(stdout = "", endsRestore = false): Outcome {
  return { exit: EXIT.ok, stdout, stderr: "", endsRestore };
}

/** A command line that was refused before it reached the director. */
export function refusedLine(error: CommandLineError): Outcome {
  return { exit: error.exit, stdout: "", stderr: `${error.message}\n`, endsRestore: error.endsRestore };
}

/** A command that the director refused. Listings end a restore then, changes do not. */
export function refusedCommand(name: IpvsadmCommand["name"], thrown: unknown): Outcome {
  const error = UvsError.from(thrown);
  if (error.code === "UNAVAILABLE") {
    const stderr = `Can't initialize ipvs: ${error.message}\n`;
    return { exit: EXIT.invalid, stdout: "", stderr, endsRestore: true };
  }
  const isListing = name.startsWith("list-") || name === "save";
  return {
    exit: isListing ? EXIT.listing : EXIT.failed,
    stdout: "",
    stderr: `${refusalText(name, error)}\n`,
    endsRestore: isListing,
  };
}

/**
 * ipvsadm's text for an error of the director. What ipvsadm has no word for (an address in use, a bound reached) is told
 * in the director's own.
 */
export function refusalText(name: IpvsadmCommand["name"], error: UvsError): string {
  if (error.code === "SYSCALL" && error.details["errno"] === "ENODEV") return "No such device";
  return TEXT_OF_COMMAND[name]?.[error.code] ?? TEXT[error.code] ?? error.message;
}

type Texts = Readonly<Partial<Record<ErrorCode, string>>>;

const TEXT: Texts = {
  NO_SERVICE: "No such service",
  NO_SERVER: "No such destination",
  NO_SCHEDULER: "Scheduler or persistence engine not found",
  RANGE: "Numerical result out of range",
  INVALID: "Invalid operation.  Possibly wrong module version, address not unicast, ...",
};

const SERVER_TEXTS: Texts = { NO_SERVICE: "Service not defined", EXISTS: "Destination already exists" };

const TEXT_OF_COMMAND: Readonly<Partial<Record<IpvsadmCommand["name"], Texts>>> = {
  "add-service": { EXISTS: "Service already exists" },
  "add-server": SERVER_TEXTS,
  "edit-server": SERVER_TEXTS,
  "delete-server": SERVER_TEXTS,
  "start-daemon": { EXISTS: "Daemon has already run" },
};
