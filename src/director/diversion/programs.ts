/** Runs `nft` and `ip`, and says of one that fails the exact command with what to do about it. */
import { spawn, spawnSync } from "node:child_process";
import { UvsError } from "../../core/errors.js";

/** A program with its arguments and what it is given on standard input; "" is nothing. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly input: string;
}

/** What a program said. */
export interface Outcome {
  /** Standard output. */
  readonly output: string;
  /** Standard error of one that failed, never empty; undefined: it ended well. */
  readonly complaint: string | undefined;
}

/** Runs a program to its end. @throws Error where it cannot be run */
export type RunProgram = (command: Command) => Promise<Outcome>;

/** Longest that a program may take; each asks the kernel for one thing. */
const TIMEOUT_MS = 10_000;
const OPTIONS = { env: { ...process.env, LC_ALL: "C" }, timeout: TIMEOUT_MS } as const;

/** Runs it as a child process. */
export const runProgram: RunProgram = ({ program, args, input }) =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...OPTIONS, stdio: "pipe" });
    let output = "";
    let complaint = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      const end = signal === null ? `exit code ${code}` : `no end within ${TIMEOUT_MS} ms`;
      resolve({ output, complaint: code === 0 ? undefined : complaint || end });
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });

/** Runs it while everything else waits: for the moment in which the process exits. Whether it worked nobody can be told. */
export function runProgramNow({ program, args, input }: Command): void {
  spawnSync(program, [...args], { ...OPTIONS, input, stdio: ["pipe", "ignore", "ignore"] });
}

/** An `nft` command that carries a script out as one change. */
export function nftScript(script: string): Command {
  return { program: "nft", args: ["-f", "-"], input: script };
}

/** An `ip` command of one family. @param words all after `ip -4`, separated by spaces */
export function ipCommand(family: 4 | 6, words: string): Command {
  return { program: "ip", args: [`-${family}`, ...words.split(" ")], input: "" };
}

/** Several `ip` commands of one family, each carried out whatever became of the others. */
export function ipBatch(family: 4 | 6, lines: readonly string[]): Command {
  return {
    program: "ip",
    args: [`-${family}`, "-force", "-batch", "-"],
    input: lines.map((line) => `${line}\n`).join(""),
  };
}

/** The command as it would be typed. */
export function commandText({ program, args, input }: Command): string {
  return [program, ...args].join(" ") + (input === "" ? "" : ` <<'EOF'\n${input}EOF`);
}

/**
 * Why a command failed, and what to do.
 * @param complaint what the program said; undefined: it could not be run, for `reason`
 */
export function commandError(command: Command, complaint: string | undefined, reason = ""): UvsError {
  const name = [command.program, ...command.args].join(" ");
  const details = { command: commandText(command) };
  if (complaint === undefined) {
    return new UvsError("UNSUPPORTED", `"${name}" cannot be run (${reason}): ${INSTALL[command.program]}`, {
      side: "system",
      details,
    });
  }
  const said = `"${name}" says "${complaint.trim().split("\n")[0]}"`;
  if (/not permitted|permission denied/i.test(complaint)) {
    return new UvsError(
      "PERMISSION",
      `${said}: the right CAP_NET_ADMIN is missing; run as root, or give it with AmbientCapabilities=CAP_NET_ADMIN`,
      { side: "system", details: { ...details, right: "CAP_NET_ADMIN" } },
    );
  }
  return new UvsError(
    "UNSUPPORTED",
    `${said}: the kernel may lack nf_tables, nft_tproxy or nft_socket; uvs doctor shows what to try by hand`,
    { side: "system", details },
  );
}

const INSTALL: Readonly<Record<string, string>> = {
  nft: "install nftables",
  ip: "install iproute2",
};
