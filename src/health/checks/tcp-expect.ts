/**
 * Check kind `tcp-expect`: sends and expects in turn over TCP or TLS, as HAProxy's tcp-check and ldirectord's simpletcp.
 * Each expectation looks at what has come since the last one was met, at most MAX_RECEIVED bytes.
 */
import { type Checker, CheckFailure, passed } from "../checker.js";
import { excerpt } from "../excerpt.js";
import { invalidOption } from "../option.js";
import { compilePattern } from "../pattern.js";
import { converse, type Dialogue } from "./dialogue.js";
import { prepareTls, type TlsOptions, tlsKey } from "./tls-options.js";

/** One step; bytes are text (UTF-8) or pairs of hexadecimal digits, which may have blanks between them. */
export type ExpectStep =
  | { readonly send: string }
  | { readonly sendHex: string }
  /** What comes must contain this. */
  | { readonly expect: string }
  | { readonly expectHex: string }
  /** What comes, bytes read as Latin-1, must match this regular expression (see pattern.ts). */
  | { readonly expectRegex: string }
  /** Ends our side of the connection, as simpletcp does after its request. */
  | { readonly end: true };

/** Parameters of a send/expect check, as plain data. */
export interface ExpectOptions {
  /** Over TLS, with these parameters. @default none */
  readonly tls?: TlsOptions;
  /** 1 to 100 steps, done in order. */
  readonly steps: readonly ExpectStep[];
}

/** As HAProxy looks at (tune.bufsize). */
const MAX_RECEIVED = 16 * 1024;
const MAX_STEPS = 100;
const EMPTY = Buffer.alloc(0);

/** What was received and not yet met an expectation. */
interface Received {
  bytes: Buffer;
}

type Step = (dialogue: Dialogue, received: Received) => void | Promise<void>;
/** The index after the match, or -1. */
type Find = (bytes: Buffer) => number;

/** Makes a send/expect checker. @throws UvsError INVALID */
export function expectCheck(options: ExpectOptions): Checker {
  const { steps } = options;
  if (steps.length === 0 || steps.length > MAX_STEPS) {
    throw invalidOption("steps", steps.length, `1 to ${MAX_STEPS} steps`);
  }
  const tls = options.tls && prepareTls(options.tls);
  const run = steps.map(compileStep);
  return {
    kind: "tcp-expect",
    name: `${tls ? "tls" : "tcp"} send/expect of ${steps.length} steps`,
    key: `tcp-expect ${options.tls && tlsKey(options.tls)} ${JSON.stringify(steps)}`,
    probe: (probe) =>
      converse(probe, tls, async (dialogue) => {
        const received: Received = { bytes: EMPTY };
        for (const step of run) await step(dialogue, received);
        return passed("L7OK", "answered as expected");
      }),
  };
}

function compileStep(step: ExpectStep, i: number): Step {
  const field = `steps[${i}]`;
  if ("send" in step) return (dialogue) => dialogue.write(step.send);
  if ("sendHex" in step) {
    const bytes = parseHex(`${field}.sendHex`, step.sendHex);
    return (dialogue) => dialogue.write(bytes);
  }
  if ("end" in step) return (dialogue) => dialogue.end();
  if ("expectRegex" in step) {
    const pattern = compilePattern(`${field}.expectRegex`, step.expectRegex);
    const what = `a match of ${excerpt(step.expectRegex)}`;
    // Where a regular expression ended matching is not known: it takes all.
    return expectStep(what, (bytes) => (pattern.test(bytes.toString("latin1")) ? bytes.length : -1));
  }
  if ("expect" in step)
    return expectStep(excerpt(step.expect), finder(`${field}.expect`, Buffer.from(step.expect)));
  if ("expectHex" in step) {
    const bytes = parseHex(`${field}.expectHex`, step.expectHex);
    return expectStep(`bytes ${bytes.toString("hex")}`, finder(`${field}.expectHex`, bytes));
  }
  throw invalidOption(field, step, "one of send, sendHex, expect, expectHex, expectRegex, end");
}

function expectStep(what: string, find: Find): Step {
  return async (dialogue, received) => {
    for (;;) {
      const end = find(received.bytes);
      if (end >= 0) {
        received.bytes = received.bytes.subarray(end);
        return;
      }
      const chunk = received.bytes.length < MAX_RECEIVED ? await dialogue.read() : undefined;
      if (chunk === undefined) {
        throw new CheckFailure("L7RSP", `expected ${what}, found ${excerpt(received.bytes)}`);
      }
      received.bytes = Buffer.concat([received.bytes, chunk]).subarray(0, MAX_RECEIVED);
    }
  };
}

function finder(field: string, wanted: Buffer): Find {
  if (wanted.length === 0 || wanted.length > MAX_RECEIVED) {
    throw invalidOption(field, wanted.toString("latin1"), `1 to ${MAX_RECEIVED} bytes`);
  }
  return (bytes) => {
    const start = bytes.indexOf(wanted);
    return start < 0 ? -1 : start + wanted.length;
  };
}

/** Reads pairs of hexadecimal digits. @throws UvsError INVALID */
function parseHex(field: string, text: string): Buffer {
  const digits = text.replace(/\s+/g, "");
  if (!/^(?:[0-9a-f]{2})+$/i.test(digits)) throw invalidOption(field, text, "pairs of hexadecimal digits");
  return Buffer.from(digits, "hex");
}
