/**
 * The recorded steps where a director that is a proxy must do otherwise than the kernel, one by one, and what it does
 * instead; docs/differences.md says why at more length. An exception that is not needed any longer fails the test.
 */

import { type RecordedStep, readRecording, recordingNames, stepName } from "../helpers/recordings.js";

/** One step, or several of one recording. */
export interface Exception {
  readonly recording: string;
  /** As `stepName` has them. */
  readonly steps: readonly string[];
  readonly reason: string;
  /** The result here, or how it comes from the one that was recorded. */
  readonly here: string | ((recorded: string) => string);
}

const GOES_ON =
  "a deleted realserver's connections go on until they end, where the kernel drops their packets";
const SERVICE_GOES_ON = "a deleted service's connections go on until they end";
const NO_OLD_ENTRY = "a port used again never meets an old entry: the host's TCP keeps connections apart";
const RESET =
  "the proxy has accepted already when the realserver turns out to be unreachable: the client is reset";
const TAKEN_BACK = "a connection that never reached its realserver is counted off again";
const NO_ICMP =
  "the director's socket takes every datagram: a client whose datagram goes nowhere is not told";
const FORGOTTEN = "a flow that its realserver refuses is over";
const FROM_VIP = "answers of one-packet services come back through the director: from the VIP, and counted";
const SCOPED = "a socket cannot be bound to a link-local address without an interface";

/** Everything recorded but the lines that match. */
function without(pattern: RegExp): (recorded: string) => string {
  return (recorded) =>
    recorded
      .split("\n")
      .filter((line) => !pattern.test(line))
      .join("\n");
}

/** Everything recorded, with other counts in the rows of `--stats` that begin like these. */
function counting(counts: Readonly<Record<string, string>>): (recorded: string) => string {
  return (recorded) =>
    recorded
      .split("\n")
      .map((row) => {
        const label = Object.keys(counts).find((text) => row.includes(`${text} `));
        return label === undefined ? row : row.replace(/( \S+){5}$/, ` ${counts[label]}`);
      })
      .join("\n");
}

/** The steps of a recording that hold for `is`, named as `stepName` has them. */
function stepsOf(recording: string, is: (step: RecordedStep) => boolean): string[] {
  return readRecording(recording).steps.filter(is).map(stepName);
}

/** One-packet scheduling: the kernel lets the answers pass by as they are. */
function answersOfOnePackets(recording: string): Exception[] {
  const answers = stepsOf(recording, (step) => "udp" in step && step.reply_from !== undefined);
  if (answers.length === 0) return [];
  const listings = stepsOf(recording, (step) => "snapshot" in step && step.snapshot.includes("--stats"));
  return [
    { recording, steps: answers, reason: FROM_VIP, here: (recorded) => recorded.replace(/ from .*/, "") },
    { recording, steps: listings, reason: FROM_VIP, here: countingAnswers },
  ];
}

/** Answers of 13 bytes, and 28 of headers, for all that were asked, in rows that have none. */
function countingAnswers(recorded: string): string {
  return recorded.replace(
    /( +\d+ +)(\d+) +0( +\d+ +)0$/gm,
    (row, connections: string, asked: string, bytes: string) =>
      asked === "0"
        ? row
        : fitted(row, [connections.trim(), asked, asked, bytes.trim(), `${41 * Number(asked)}`]),
  );
}

/** Numbers in columns as wide as those of `row`. */
function fitted(row: string, numbers: readonly string[]): string {
  return numbers
    .map((number) => number.padStart(8))
    .map((cell) => ` ${cell}`)
    .join("")
    .padStart(row.length);
}

/** The end of a connection whose realserver was deleted before. */
function ends(recording: string, ...steps: string[]): Exception {
  return { recording, steps, here: "closed", reason: GOES_ON };
}

export const EXCEPTIONS: readonly Exception[] = [
  ends("dh-walk", "close c24 at 3.22", "close c26 at 5.06"),
  ends("fo-walk", "close c42 at 2.51"),
  ends("lblc-walk", "close c12 at 2.75", "close c8 at 4.34"),
  ends("lblcr-walk", "close c2 at 2.61"),
  ends("lc-walk", "close c18 at 2.47", "close c16 at 4.02"),
  ends(
    "mh-walk",
    "close c11 at 1.6",
    "close c20 at 3.7",
    "close c13 at 5.47",
    "close c27 at 7.02",
    "close c7 at 8.54",
  ),
  ends("nq-walk", "close c10 at 0.98", "close c14 at 3.01", "close c15 at 4.78"),
  ends("rr-walk", "close c1 at 1.66", "close c7 at 3.31", "close c10 at 4.9"),
  ends("sed-walk", "close c12 at 2.99"),
  ends("sh-walk", "close c4 at 1.96", "close c23 at 5.56", "close c24 at 7.27"),
  ends("wlc-walk", "close c15 at 2.02"),
  ends("wrr-walk", "close c14 at 0.38", "close c9 at 1.94"),
  { recording: "nodest0", steps: ["send c2 at 1.36"], here: "echo", reason: GOES_ON },
  { recording: "persist-nodest0", steps: ["send c3 at 1.65"], here: "echo", reason: GOES_ON },

  {
    recording: "service-readd",
    steps: [
      "send c1 at 2.61",
      "send c2 at 2.62",
      "send c3 at 2.62",
      "send c1 at 5.19",
      "send c2 at 5.19",
      "send c3 at 5.19",
    ],
    here: "echo",
    reason: SERVICE_GOES_ON,
  },
  { recording: "service-readd-other", steps: ["send c2 at 2.68"], here: "echo", reason: SERVICE_GOES_ON },
  {
    recording: "service-readd-other",
    steps: ["-L -n --stats at 7.79"],
    here: counting({ "10.77.0.100:80": "0 0 0 0 0", "10.77.2.2:80": "0 0 0 0 0" }),
    reason: `${SERVICE_GOES_ON}: no lost packet is sent again after the service is back`,
  },

  { recording: "reuse0", steps: ["connect c2 at 0.12"], here: "10.77.2.2:80", reason: NO_OLD_ENTRY },
  { recording: "reuse0", steps: ["connect c3 at 0.13"], here: "10.77.2.1:80", reason: NO_OLD_ENTRY },
  { recording: "reuse0", steps: ["connect c5 at 0.15"], here: "10.77.2.2:80", reason: NO_OLD_ENTRY },
  { recording: "reuse0", steps: ["connect c6 at 14.15"], here: "10.77.2.1:80", reason: NO_OLD_ENTRY },
  {
    recording: "reuse0",
    steps: ["-L -n --stats at 2.58"],
    here: counting({
      "10.77.0.100:80": "5 # # # #",
      "10.77.2.1:80": "1 # # # #",
      "10.77.2.2:80": "2 # # # #",
      "10.77.2.3:80": "2 # # # #",
    }),
    reason: NO_OLD_ENTRY,
  },
  ...["reuse-persist0", "reuse-persist1"].map((recording) => ({
    recording,
    steps: [recording === "reuse-persist0" ? "-L -n --stats at 2.66" : "-L -n --stats at 3.03"],
    here: counting({
      "10.77.0.100:80": "8 # # # #",
      "10.77.2.2:80": "4 # # # #",
      "10.77.2.3:80": "4 # # # #",
    }),
    reason: NO_OLD_ENTRY,
  })),
  { recording: "reuse-quiet0", steps: ["connect c4 at 1.36"], here: "10.77.2.3:80", reason: NO_OLD_ENTRY },
  {
    recording: "reuse-quiet0",
    steps: ["-L -n --stats at 4"],
    here: counting({ "10.77.0.100:80": "5 # # # #", "10.77.2.3:80": "4 # # # #" }),
    reason: NO_OLD_ENTRY,
  },
  {
    recording: "reuse-quiet1",
    steps: ["-L -n --stats at 3.94"],
    here: counting({ "10.77.0.100:80": "5 # # # #", "10.77.2.3:80": "4 # # # #" }),
    reason: NO_OLD_ENTRY,
  },

  {
    recording: "dead-server",
    steps: ["connect c1 at 0.52", "connect c3 at 3.98"],
    here: "refused",
    reason: RESET,
  },
  {
    recording: "dead-server",
    steps: ["-L -n at 7.21"],
    here: (recorded) => recorded.replace(/(10\.77\.2\.99:80 +Masq +1 +)2/, "$10"),
    reason: TAKEN_BACK,
  },
  {
    recording: "dead-server",
    steps: ["-L -n -c at 7.54"],
    here: without(/ SYN_RECV /),
    reason: TAKEN_BACK,
  },
  {
    recording: "no-server",
    steps: ["-L -n --stats at 2.8"],
    here: counting({ "10.77.0.100:80": "0 0 0 0 0", "10.77.2.1:7777": "0 0 0 0 0" }),
    reason: TAKEN_BACK,
  },
  {
    recording: "no-server",
    steps: ["-L -n -c at 3.03", "-L -n -c at 3.61"],
    here: without(/ CLOSE /),
    reason: TAKEN_BACK,
  },

  {
    recording: "udp-none",
    steps: ["udp u1 at 0.16", "udp u2 at 0.32", "udp u3 at 0.44"],
    here: "timeout",
    reason: NO_ICMP,
  },
  {
    recording: "udp-none",
    steps: ["-L -n --stats at 2.85"],
    // The ICMP message was counted as an answer.
    here: (recorded) =>
      recorded.replaceAll("1        1        1       38       66", "1        1        0       38        0"),
    reason: NO_ICMP,
  },
  { recording: "udp-none", steps: ["-L -n -c at 2.94"], here: without(/^UDP mm/), reason: FORGOTTEN },
  { recording: "udp-thresh", steps: ["udp u5 at 0.22", "udp u6 at 0.25"], here: "timeout", reason: NO_ICMP },
  { recording: "udp-nodest", steps: ["udp u1 at 1.72"], here: "10.77.2.2:53", reason: GOES_ON },
  ...recordingNames().flatMap(answersOfOnePackets),

  {
    recording: "cli-address",
    steps: ["-A -t [fe80::1]:92 -s rr at 1.3"],
    here: "exit 255\nstderr: bind for [fe80::1]:92 failed with EINVAL: check address, port and the limit of open descriptors\n",
    reason: SCOPED,
  },
  {
    recording: "cli-address",
    steps: ["-L -n at 1.66", "-L at 1.69", "-S -n at 1.74", "-S at 1.76"],
    here: without(/fe80::1/),
    reason: SCOPED,
  },
];
