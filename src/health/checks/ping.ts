/**
 * Check kind `ping`: an ICMP echo. Node offers no ICMP sockets, so the system's `ping` is run; where there is none the
 * check is refused when it is made, and nothing else is done in its place.
 */
import { accessSync, constants } from "node:fs";
import { isIP } from "node:net";
import { UvsError } from "../../core/errors.js";
import { type Checker, CheckFailure, failed, type Probe, passed } from "../checker.js";
import { excerpt } from "../excerpt.js";
import type { Programs } from "../program.js";

/** The check has no options. */
export type PingOptions = Readonly<Record<string, never>>;

const FOLDERS = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"];
/** No reply; greater is an error of ping itself. */
const NO_REPLY = 1;
const MAX_OUTPUT_BYTES = 1024;

/**
 * Makes a checker that pings.
 * @param folders where `ping` is looked for. @default the usual ones
 * @throws UvsError UNSUPPORTED where the system has no `ping`
 */
export function pingCheck(
  _options: PingOptions,
  { programs }: { readonly programs: Programs },
  folders: readonly string[] = FOLDERS,
): Checker {
  const path = findPing(folders);
  return {
    kind: "ping",
    name: "ping",
    key: "ping",
    async probe(probe) {
      const { exitStatus, output, reason } = await programs.run({
        path,
        args: argumentsOf(probe),
        env: { LC_ALL: "C" },
        timeoutMs: probe.timeoutMs,
        signal: probe.signal,
        maxOutputBytes: MAX_OUTPUT_BYTES,
      });
      if (exitStatus === 0) return passed("L4OK", "echo reply");
      if (exitStatus === undefined && probe.signal.aborted) return failed("L4TOUT", noReply(probe.timeoutMs));
      if (exitStatus === NO_REPLY) return failed("L4TOUT", noReply(probe.timeoutMs));
      return failed("PROCERR", `${path}: ${reason} ${excerpt(output.trim())}`);
    },
  };
}

/** One echo. `-q` leaves out the lines with names, so that nobody asks a name server for the address. */
function argumentsOf({ target: { address }, timeoutMs }: Probe): string[] {
  // A host name never begins with a dash, an option would.
  if (address.startsWith("-")) throw new CheckFailure("SOCKERR", `not an address: ${excerpt(address)}`);
  const family = isIP(address) === 6 ? ["-6"] : isIP(address) === 4 ? ["-4"] : [];
  return [...family, "-q", "-c", "1", "-W", String(Math.max(1, Math.ceil(timeoutMs / 1000))), address];
}

function noReply(timeoutMs: number): string {
  return `no echo reply within ${timeoutMs} ms`;
}

function findPing(folders: readonly string[]): string {
  for (const folder of folders) {
    try {
      accessSync(`${folder}/ping`, constants.X_OK);
      return `${folder}/ping`;
    } catch {
      // The next folder may have it.
    }
  }
  throw new UvsError(
    "UNSUPPORTED",
    "ping: found no program ping on this host; install it (package iputils-ping)",
    {
      side: "system",
    },
  );
}
