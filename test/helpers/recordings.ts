/** The recordings of the real kernel in test/golden/recordings, typed. Their README says what each step means. */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** One invocation of ipvsadm; without `stdin` its input was empty. */
export interface IpvsadmStep {
  readonly ipvsadm: readonly string[];
  readonly stdin?: string;
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly at: number;
}

/** A listing that ended well. */
export interface SnapshotStep {
  readonly snapshot: readonly string[];
  readonly stdout: string;
  readonly at: number;
}

/** A client opens TCP and keeps it; `chosen` is a realserver, `refused`, `timeout` or `unreachable`. */
export interface ConnectStep {
  readonly connect: string;
  readonly from: string;
  readonly sport: number;
  readonly to: string;
  readonly chosen: string;
  readonly at: number;
}

/** The connection ends: by the client (no `how`), by a reset, or by the realserver first. */
export interface CloseStep {
  readonly close: string;
  readonly how?: "rst" | "server";
  /** The realserver's FIN never came. */
  readonly result?: "timeout";
  readonly at: number;
}

/** Bytes on an open connection. */
export interface SendStep {
  readonly send: string;
  readonly bytes: number;
  readonly got: "echo" | "timeout" | "reset" | "closed";
  readonly at: number;
}

/** One datagram and who answered it. */
export interface UdpStep {
  readonly udp: string;
  readonly from: string;
  readonly sport: number;
  readonly to: string;
  readonly bytes: number;
  readonly chosen: string;
  readonly reply_from?: string;
  readonly at: number;
}

/** From now on packets to these get the mark. */
export interface FwmarkStep {
  readonly fwmark: number;
  readonly proto: "tcp" | "udp";
  readonly to: readonly string[];
  readonly at: number;
}

/** `net.ipv4.vs.<sysctl>` was set. */
export interface SysctlStep {
  readonly sysctl: string;
  readonly value: number;
  readonly at: number;
}

/** A file of the director's /proc. */
export interface ReadStep {
  readonly read: string;
  readonly text: string;
  readonly at: number;
}

/** Seconds that nothing happened. */
export interface SleepStep {
  readonly sleep: number;
  readonly at: number;
}

/** One step; `at` is in seconds since the start. Narrow it with `"connect" in step` and the like. */
export type RecordedStep =
  | IpvsadmStep
  | SnapshotStep
  | ConnectStep
  | CloseStep
  | SendStep
  | UdpStep
  | FwmarkStep
  | SysctlStep
  | ReadStep
  | SleepStep;

/** One scenario. */
export interface Recording {
  readonly name: string;
  readonly about: string;
  readonly steps: readonly RecordedStep[];
}

// The compiled test lies in <build>/test/helpers, the recordings stay in the source tree.
const FOLDER = new URL("../../../test/golden/recordings/", import.meta.url);

/** The names of all recordings, sorted. */
export function recordingNames(): readonly string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(".json"))
    .map((file) => file.slice(0, -".json".length))
    .sort();
}

/** Reads one recording. @throws Error where there is none of this name, or it has a step of an unknown kind */
export function readRecording(name: string): Recording {
  const path = fileURLToPath(new URL(`${name}.json`, FOLDER));
  const recording = JSON.parse(readFileSync(path, "utf8")) as Recording;
  for (const step of recording.steps) stepKind(step);
  return recording;
}

const KINDS = [
  "ipvsadm",
  "snapshot",
  "connect",
  "close",
  "send",
  "udp",
  "fwmark",
  "sysctl",
  "read",
  "sleep",
] as const;
export type StepKind = (typeof KINDS)[number];

/** What kind of step it is. @throws Error where it is none that is known */
export function stepKind(step: RecordedStep): StepKind {
  const kind = KINDS.find((key) => key in step);
  if (kind === undefined) throw new Error(`unknown kind of step: ${JSON.stringify(step)}`);
  return kind;
}

/** `-L -n at 1.36`, `connect c1 at 0.78`: names a step within its recording. */
export function stepName(step: RecordedStep): string {
  if ("ipvsadm" in step) return `${step.ipvsadm.join(" ")} at ${step.at}`;
  if ("snapshot" in step) return `${step.snapshot.join(" ")} at ${step.at}`;
  const [kind, value] = Object.entries(step)[0];
  return `${kind} ${value} at ${step.at}`;
}
