/**
 * Plays a recording against a director in a namespace, step by step as it was played against the kernel, and says for
 * every step that has a result what was recorded and what came here, both as far as they are compared.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { ControlClient } from "../../src/control/client.js";
import { runIpvsadm } from "../../src/control/ipvsadm/run.js";
import { formatEndpoint } from "../../src/core/address.js";
import { SYSCTLS } from "../../src/core/sysctls.js";
import { listingRule } from "./golden-comparison.js";
import { GOLDEN_NAMES } from "./golden-names.js";
import type { GoldenNamespace } from "./golden-namespace.js";
import type {
  ConnectStep,
  IpvsadmStep,
  RecordedStep,
  Recording,
  SleepStep,
  SysctlStep,
  UdpStep,
} from "./recordings.js";

/** The kernel gathers its counters every 2 s, and recordings wait for that (up to 4 s); uvs counts at once. */
const ESTIMATOR_WAIT_SEC = 4;

/** Seconds that a replay of this recording sleeps. */
export function secondsToWait(recording: Recording): number {
  return recording.steps.reduce(
    (sum, step) => sum + ("sleep" in step ? playedSec(step, waitsForFlows(recording)) : 0),
    0,
  );
}

/** Time-outs of 10 s and more are waited for; shorter ones are only those of UDP flows. */
function playedSec({ sleep }: SleepStep, waitsAlways: boolean): number {
  return sleep <= ESTIMATOR_WAIT_SEC && !waitsAlways ? 0 : sleep;
}

/** Whether the recording sets the time-out of UDP flows, and is about that. */
function waitsForFlows({ steps }: Recording): boolean {
  return steps.some((step) => "ipvsadm" in step && step.ipvsadm[0] === "--set" && step.ipvsadm[3] !== "0");
}

/** What is compared of one step, as text that people can read. */
export interface StepResult {
  readonly recorded: string;
  readonly here: string;
}

/** A director and the world around it. */
export interface ReplayParts {
  readonly client: ControlClient;
  readonly namespace: GoldenNamespace;
  readonly recording: Recording;
  /** Sets `redispatch: 0` on every service made: an unreachable realserver is then what its client sees, as in the kernel. */
  readonly withoutRedispatch: boolean;
}

/** One recording being played. */
export class DirectorReplay {
  readonly #parts: ReplayParts;
  readonly #clients = new Map<string, string>();
  readonly #closedClients = new Set<string>();

  constructor(parts: ReplayParts) {
    this.#parts = parts;
  }

  /** Plays the next step. @returns undefined for a step without a result */
  async play(step: RecordedStep): Promise<StepResult | undefined> {
    const { namespace } = this.#parts;
    if ("ipvsadm" in step) return this.#ipvsadm(step);
    if ("snapshot" in step) {
      const { snapshot: ipvsadm, stdout, at } = step;
      return this.#ipvsadm({ ipvsadm, stdout, at, exit: 0, stderr: "" });
    }
    if ("connect" in step) return this.#connect(step);
    if ("udp" in step) return { recorded: askedText(step), here: await namespace.ask(step) };
    if ("send" in step) return { recorded: step.got, here: await namespace.send(step) };
    if ("close" in step) {
      const here = await namespace.close(step);
      this.#closedClients.add(this.#clients.get(step.close)!);
      return { recorded: step.result ?? "closed", here };
    }
    if ("fwmark" in step) namespace.mark(step);
    else if ("sysctl" in step) await this.#sysctl(step);
    else if ("sleep" in step) await this.#sleep(step);
    else if (!("read" in step)) throw new Error(`cannot be played yet: ${JSON.stringify(step)}`);
    // A director has no /proc: what is in it there, listings show.
    return undefined;
  }

  async #ipvsadm({ ipvsadm: words, stdin = "", exit, stdout, stderr }: IpvsadmStep): Promise<StepResult> {
    const result = await runIpvsadm(words, stdin, this.#parts.client, GOLDEN_NAMES);
    if (this.#parts.withoutRedispatch && words[0] === "-A") await this.#forbidRedispatch();
    const compared = listingRule(words, this.#closedClients);
    return {
      recorded: commandText({ exit, stdout: compared(stdout), stderr }),
      here: commandText({ ...result, stdout: compared(result.stdout) }),
    };
  }

  /** A proxy accepts before it chooses: the kernel's ICMP is a reset then, unless nobody listens. */
  async #connect(step: ConnectStep): Promise<StepResult> {
    const client = formatEndpoint({ address: step.from, port: step.sport });
    this.#clients.set(step.connect, client);
    this.#closedClients.delete(client);
    const outcome = await this.#parts.namespace.connect(step);
    return { recorded: step.chosen, here: outcome === "reset" ? "refused" : outcome };
  }

  /** What uvs has no such knob for, it does in the one way that docs/differences.md tells. */
  async #sysctl({ sysctl, value }: SysctlStep): Promise<void> {
    if (Object.hasOwn(SYSCTLS, sysctl)) await this.#parts.client.setSysctl(sysctl, value);
  }

  async #sleep(step: SleepStep): Promise<void> {
    // One that the director gives up meanwhile must not be used again.
    this.#parts.client.close();
    await delay(playedSec(step, waitsForFlows(this.#parts.recording)) * 1000);
  }

  async #forbidRedispatch(): Promise<void> {
    const { client } = this.#parts;
    for (const { id, settings } of await client.services()) {
      await client.editService(id, { ...settings, redispatch: 0 });
    }
  }
}

/** As `GoldenNamespace.ask` has it. */
function askedText({ chosen, reply_from: from }: UdpStep): string {
  return from === undefined ? chosen : `${chosen} from ${from}`;
}

function commandText({ exit, stdout, stderr }: { exit: number; stdout: string; stderr: string }): string {
  return `exit ${exit}\n${stdout}${stderr === "" ? "" : `stderr: ${stderr}`}`;
}
