/**
 * The recordings of the kernel against a running `uvsd`: the recorded command lines are given to it, clients with the
 * recorded addresses and ports connect through it, and what it answers, whom it chooses and what it counts is compared
 * with what the kernel did.
 */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { DirectorReplay, type StepResult, secondsToWait } from "../helpers/director-replay.js";
import {
  deleteAbandonedNamespaces,
  GoldenNamespace,
  namespaceObstacle,
} from "../helpers/golden-namespace.js";
import {
  type Recording,
  readRecording,
  recordingNames,
  type StepKind,
  stepKind,
  stepName,
} from "../helpers/recordings.js";
import { Uvsd } from "../helpers/uvsd.js";
import { EXCEPTIONS } from "./director-exceptions.js";

/** Recordings whose realservers cannot be reached: redispatch would find others, as the kernel cannot. */
const WITHOUT_REDISPATCH: readonly string[] = ["dead-server", "no-server"];

/** Results compared, by kind of step; a replay that compares less has lost something. */
const COMPARED: Readonly<Partial<Record<StepKind, number>>> = {
  ipvsadm: 1862,
  snapshot: 877,
  connect: 5114,
  close: 1585,
  send: 63,
  udp: 549,
};

/** Recordings played side by side, each with a namespace and a director; mostly they wait. */
const AT_ONCE = 6;

const compared = new Map<StepKind, number>();

async function replay(t: TestContext, recording: Recording): Promise<void> {
  const { name, steps } = recording;
  const namespace = await GoldenNamespace.make(t);
  const { client } = await Uvsd.start(t, { prefix: namespace.prefix });
  const withoutRedispatch = WITHOUT_REDISPATCH.includes(name);
  const director = new DirectorReplay({ client, namespace, recording, withoutRedispatch });
  for (const step of steps) {
    const result = await director.play(step);
    if (result === undefined) continue;
    compare(name, stepName(step), result);
    const kind = stepKind(step);
    compared.set(kind, (compared.get(kind) ?? 0) + 1);
  }
}

function compare(recording: string, step: string, { recorded, here }: StepResult): void {
  const exception = EXCEPTIONS.find((other) => other.recording === recording && other.steps.includes(step));
  if (exception === undefined) {
    assert.equal(here, recorded, `${recording}: ${step}`);
    return;
  }
  const { reason, here: expected } = exception;
  assert.notEqual(here, recorded, `${recording}: ${step} is no exception any longer: ${reason}`);
  assert.equal(
    here,
    typeof expected === "string" ? expected : expected(recorded),
    `${recording}: ${step}, an exception: ${reason}`,
  );
}

const obstacle = namespaceObstacle();
if (obstacle === undefined) deleteAbandonedNamespaces();
/** Where tests must not be skipped, the first test says what is missing. */
const skip = process.env["CI"] === "true" ? undefined : obstacle;

describe("a running director against the recorded kernel", { skip }, () => {
  const recordings = recordingNames()
    .map(readRecording)
    .sort((a, b) => secondsToWait(b) - secondsToWait(a));

  it("has network namespaces to run in", () => {
    assert.equal(obstacle, undefined);
  });

  // Those that wait longest begin first.
  describe("recordings", { concurrency: AT_ONCE }, () => {
    for (const recording of recordings) {
      const { name, about } = recording;
      it(`${name}: ${about}`, (t) => replay(t, recording));
    }
  });

  it("names only recordings and steps that exist as exceptions", () => {
    for (const { recording, steps } of EXCEPTIONS) {
      const names = readRecording(recording).steps.map(stepName);
      for (const step of steps) {
        // Two datagrams of one client can have come within a hundredth of a second.
        const [there, meant] = [names, steps].map((list) => list.filter((name) => name === step).length);
        assert.equal(there, meant, `${recording}: ${step}`);
      }
    }
  });

  it("compares every result of the recordings that are replayed", () => {
    assert.deepEqual(Object.fromEntries(compared), COMPARED);
  });
});
