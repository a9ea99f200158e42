/**
 * Check kind `file`: a file on the director as a flag. Present (or holding a number other than zero) it drains the
 * realserver, takes it out, or fails the check; or the number in it changes the weight (keepalived's FILE_CHECK). When the
 * file goes, what it asked for goes with it.
 */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { MAX_INT32 } from "../../core/model.js";
import { type Checker, type CheckResult, failed, type Probe, passed } from "../checker.js";
import { escaped, excerpt } from "../excerpt.js";
import { invalidOption, singleLine } from "../option.js";

/** Parameters of a file check, as plain data; `factor` does not go with `action` and `when`. */
export interface FileOptions {
  /** Absolute path. `{address}` and `{port}` stand for the realserver's. */
  readonly path: string;
  /** What the flag does: fails the check, lets no new connections in, or none at all. @default "drain" */
  readonly action?: "down" | "drain" | "maint";
  /** What counts as the flag: that the file is there, or that it holds a number other than 0. @default "present" */
  readonly when?: "present" | "nonzero";
  /** The number in the file, times this, is added to the weight; -254 to 254, not 0. @default none: a flag */
  readonly factor?: number;
}

const NON_BLOCKING = constants.O_RDONLY | constants.O_NONBLOCK;
const LONGEST_PATH = 4095;
const LONGEST_NUMBER = 64;
const MAX_FACTOR = 254;

/** Makes a file checker. @throws UvsError INVALID */
export function fileCheck(options: FileOptions): Checker {
  const { path, action = "drain", when = "present", factor } = options;
  if (typeof path !== "string" || !path.startsWith("/") || path.length > LONGEST_PATH) {
    throw invalidOption("path", path, "an absolute path");
  }
  singleLine("path", path);
  if (!["down", "drain", "maint"].includes(action))
    throw invalidOption("action", action, "down, drain or maint");
  if (when !== "present" && when !== "nonzero") throw invalidOption("when", when, "present or nonzero");
  if (factor !== undefined && (options.action !== undefined || options.when !== undefined)) {
    throw invalidOption("factor", factor, "a factor only without action and when");
  }
  if (factor !== undefined && (!Number.isInteger(factor) || factor === 0 || Math.abs(factor) > MAX_FACTOR)) {
    throw invalidOption("factor", factor, `a whole number from -${MAX_FACTOR} to ${MAX_FACTOR} other than 0`);
  }
  return {
    kind: "file",
    name: `file ${escaped(path)}`,
    key: `file ${JSON.stringify([path, action, when, factor])}`,
    perService: true,
    async probe(probe) {
      const content = await readStart(pathFor(path, probe));
      if (factor !== undefined) return weightOf(content, factor);
      const isSet = content !== undefined && (when === "present" || numberIn(content) !== 0);
      return flagResult(isSet, action, when);
    },
  };
}

function pathFor(path: string, { context: { realserver } }: Probe): string {
  return path.replaceAll("{address}", realserver.address).replaceAll("{port}", String(realserver.port));
}

/** The start of a file, which may be empty; undefined where there is no file. A folder counts as an empty file. */
async function readStart(path: string): Promise<string | undefined> {
  let file: Awaited<ReturnType<typeof open>> | undefined;
  try {
    // A FIFO would keep an open waiting for its writer.
    file = await open(path, NON_BLOCKING);
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(LONGEST_NUMBER), position: null });
    return buffer.toString("latin1", 0, bytesRead);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    // It is there, which is all that a flag needs.
    if (code === "EISDIR" || code === "EAGAIN" || code === "ENXIO") return "";
    throw error;
  } finally {
    await file?.close();
  }
}

function flagResult(
  isSet: boolean,
  action: "down" | "drain" | "maint",
  when: "present" | "nonzero",
): CheckResult {
  const what = when === "present" ? "present" : "not zero";
  if (action === "down")
    return isSet ? failed("L7STS", `file is ${what}`) : passed("L7OK", `file is not ${what}`);
  if (isSet) return passed("L7OKC", `file is ${what}: ${action}`, { admin: action });
  return passed("L7OK", when === "present" ? "file is not present" : "file is zero", { admin: "ready" });
}

function weightOf(content: string | undefined, factor: number): CheckResult {
  const number = numberIn(content ?? "");
  if (Number.isNaN(number)) return failed("L7RSP", `file holds no number: ${excerpt(content ?? "")}`);
  const delta = number * factor;
  // keepalived's fault: the least that a weight can be.
  if (delta < -MAX_INT32) return failed("L7STS", `file asks for a weight of ${delta} less`);
  return passed("L7OK", `file holds ${number}`, { weight: { delta: Math.min(delta, MAX_INT32) } });
}

/** An empty file holds 0, as one that was only touched. */
function numberIn(content: string): number {
  const [, digits] = /^\s*([+-]?\d{1,15})\s/.exec(`${content} `) ?? [];
  return digits === undefined ? (content.trim() === "" ? 0 : Number.NaN) : Number(digits);
}
