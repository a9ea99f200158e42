/**
 * Check kind `external`: a program of the operator's, called as the program it was written for would call it. The exit
 * status decides; the first line of output is the reason.
 *
 * | style           | arguments after the configured ones                               | exit status                         |
 * |-----------------|-------------------------------------------------------------------|-------------------------------------|
 * | plain           | none                                                              | 0 passes                            |
 * | keepalived      | none (MISC_CHECK)                                                 | 0 passes; misc_dynamic: see below   |
 * | mon             | the realserver's name or address                                  | 0 passes; first line is the summary |
 * | ldirectord      | virtual service's address (or mark) and port, realserver's address and port | 0 passes                  |
 * | ldirectord-perl | the same, and the program is a script that `perl` is given        | 0 passes                            |
 *
 * Every style also finds `UVS_*` variables in its environment.
 */
import { isIP } from "node:net";
import { realserverKey, serviceKey } from "../../core/model.js";
import { type Checker, type CheckResult, failed, type Probe, type ServiceContext } from "../checker.js";
import { escaped } from "../excerpt.js";
import { resultOfProgram } from "../exit-status.js";
import { invalidOption, singleLine } from "../option.js";
import { type ProgramEnd, type Programs, refusalOf } from "../program.js";

/** How the program expects to be called. */
export type ExternalStyle = "plain" | "keepalived" | "mon" | "ldirectord" | "ldirectord-perl";

/** Parameters of an external check, as plain data. */
export interface ExternalOptions {
  /** Absolute path of the program. */
  readonly path: string;
  /** Its first arguments. @default none */
  readonly args?: readonly string[];
  /** @default "plain" */
  readonly style?: ExternalStyle;
  /** keepalived's misc_dynamic: exit statuses 2 to 255 pass and set the weight to the status minus 2. @default false */
  readonly dynamicWeight?: boolean;
  /** mon: the name by which the monitor knows the realserver. @default its address */
  readonly host?: string;
  /** Added to the environment. @default none */
  readonly env?: Readonly<Record<string, string>>;
}

const STYLES: readonly ExternalStyle[] = ["plain", "keepalived", "mon", "ldirectord", "ldirectord-perl"];
const MAX_ARGUMENTS = 100;
const LONGEST_ARGUMENT = 4096;
const PERL = "/usr/bin/perl";
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** A program is stopped so long before the deadline of its probe that the reason is known by then. */
const STOP_EARLIER_MS = 100;

/** Makes a checker that runs a program. @throws UvsError INVALID */
export function externalCheck(
  options: ExternalOptions,
  { programs }: { readonly programs: Programs },
): Checker {
  checkOptions(options);
  const { path, args = [], style = "plain", dynamicWeight = false, env = {} } = options;
  const isPerl = style === "ldirectord-perl";
  return {
    kind: "external",
    name: `external ${escaped(path)}`,
    key: `external ${JSON.stringify([path, args, style, dynamicWeight, options.host, env])}`,
    perService: true,
    async probe(probe): Promise<CheckResult> {
      // Perl would not look at who may write its script.
      const refusal = isPerl ? await refusalOf(path) : undefined;
      if (refusal !== undefined) return failed("PROCERR", refusal);
      const end = await programs.run({
        path: isPerl ? PERL : path,
        args: [...(isPerl ? [path] : []), ...args, ...styleArguments(options, probe.context)],
        env: { ...environment(probe, style), ...env },
        timeoutMs: Math.max(probe.timeoutMs - STOP_EARLIER_MS, probe.timeoutMs * 0.9),
        signal: probe.signal,
      });
      return resultOf(end, options, probe);
    },
  };
}

function resultOf(end: ProgramEnd, { style, dynamicWeight }: ExternalOptions, probe: Probe): CheckResult {
  if (end.timedOut) {
    return resultOfProgram(
      { ...end, reason: `timed out after ${probe.timeoutMs} ms, killed` },
      dynamicWeight,
    );
  }
  const result = resultOfProgram(end, dynamicWeight);
  const hasSummary = end.output.split("\n", 1)[0].trim() !== "";
  const isUnsaid = style === "mon" && end.exitStatus !== undefined && end.exitStatus !== 0 && !hasSummary;
  return isUnsaid ? { ...result, reason: `${result.reason}: (NO SUMMARY)` } : result;
}

function styleArguments({ style, host }: ExternalOptions, { service, realserver }: ServiceContext): string[] {
  if (style === "mon") return [host ?? realserver.address];
  if (style !== "ldirectord" && style !== "ldirectord-perl") return [];
  const [vip, vport] =
    "fwmark" in service ? [String(service.fwmark), 0] : [bracketed(service.address), service.port];
  return [vip, String(vport), bracketed(realserver.address), String(realserver.port)];
}

function environment({ context, target, timeoutMs }: Probe, style: ExternalStyle): Record<string, string> {
  const { service, realserver, weight } = context;
  return {
    PATH: process.env["PATH"] ?? DEFAULT_PATH,
    ...(process.env["LANG"] === undefined ? {} : { LANG: process.env["LANG"] }),
    UVS_SERVICE: serviceKey(service),
    UVS_REALSERVER: realserverKey(realserver),
    UVS_REALSERVER_ADDRESS: realserver.address,
    UVS_REALSERVER_PORT: String(realserver.port),
    UVS_WEIGHT: String(weight),
    UVS_TARGET_ADDRESS: target.address,
    UVS_TARGET_PORT: String(target.port),
    UVS_TIMEOUT_MS: String(timeoutMs),
    ...(style === "mon"
      ? {
          MON_GROUP: serviceKey(service),
          MON_SERVICE: "external",
          MON_DESCRIPTION: realserverKey(realserver),
        }
      : {}),
  };
}

function bracketed(address: string): string {
  return isIP(address) === 6 ? `[${address}]` : address;
}

function checkOptions({
  path,
  args = [],
  style = "plain",
  dynamicWeight,
  host,
  env = {},
}: ExternalOptions): void {
  if (typeof path !== "string" || !path.startsWith("/"))
    throw invalidOption("path", path, "an absolute path");
  singleLine("path", path);
  if (!STYLES.includes(style)) throw invalidOption("style", style, STYLES.join(", "));
  if (args.length > MAX_ARGUMENTS)
    throw invalidOption("args", args.length, `at most ${MAX_ARGUMENTS} arguments`);
  for (const [i, argument] of args.entries()) {
    if (argument.length > LONGEST_ARGUMENT || argument.includes("\0")) {
      throw invalidOption(`args[${i}]`, argument, `at most ${LONGEST_ARGUMENT} characters without NUL`);
    }
  }
  if (dynamicWeight && style !== "keepalived") {
    throw invalidOption("dynamicWeight", true, "true only with style keepalived");
  }
  if (host !== undefined && style !== "mon") throw invalidOption("host", host, "a name only with style mon");
  if (host !== undefined && (host === "" || host.startsWith("-")))
    throw invalidOption("host", host, "a host name");
  for (const [name, value] of Object.entries(env)) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw invalidOption("env", name, "a name of letters, digits and _");
    if (value.includes("\0")) throw invalidOption(`env.${name}`, value, "text without NUL");
  }
}
