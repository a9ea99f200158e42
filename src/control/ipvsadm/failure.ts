/** How a command line or a command fails: what ipvsadm prints and with which status it exits. */

/** Exit statuses of ipvsadm. */
export const EXIT = {
  ok: 0,
  /** `-L` of a service that is not there, or the director refused a listing. */
  listing: 1,
  /** The command line is well-formed and means nothing valid. */
  invalid: 2,
  /** Usage errors, and operations that the director refused (ipvsadm's -1). */
  failed: 255,
} as const;

/** Thrown where ipvsadm gives up with a text of its own; never leaves this folder. */
export class CommandLineError extends Error {
  /** What goes to stderr is `message` and a newline. */
  constructor(
    message: string,
    readonly exit: number = EXIT.invalid,
    /** Whether a restore stops here; only an unknown option or a missing argument does not stop it. */
    readonly endsRestore = true,
  ) {
    super(message);
    this.name = "CommandLineError";
  }
}

/** The hint that ipvsadm gives when no command comes first. */
export function usageHint(program: string): CommandLineError {
  return new CommandLineError(
    `Try \`${program} -h' or '${program} --help' for more information.`,
    EXIT.failed,
  );
}
