/** Replays against the schedulers every recorded choice that follows from list, counts and time alone. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KernelModel } from "../helpers/kernel-model.js";
import { type RecordedStep, type Recording, readRecording, recordingNames } from "../helpers/recordings.js";

const TEMPLATES = "persistence templates decide before the scheduler is asked";
const SAME_ENTRY =
  "a port used again finds its old entry in the connection table, the scheduler is not asked";

/** Recordings with choices that cannot be replayed at this level, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  "persist-client": TEMPLATES,
  "persist-edit": TEMPLATES,
  "persist-expiry-open": TEMPLATES,
  "persist-fin": TEMPLATES,
  "persist-fwmark": TEMPLATES,
  "persist-fwmark-v6": TEMPLATES,
  "persist-mask": TEMPLATES,
  "persist-nodest0": TEMPLATES,
  "persist-nodest1": TEMPLATES,
  "persist-port0": TEMPLATES,
  "persist-quiescent0": TEMPLATES,
  "persist-quiescent1": TEMPLATES,
  "persist-thresh": TEMPLATES,
  "persist-udp-expiry": TEMPLATES,
  "persist-v6": TEMPLATES,
  "persist-walk": TEMPLATES,
  "persist-wlc": TEMPLATES,
  "reuse-persist0": TEMPLATES,
  "reuse-persist1": TEMPLATES,
  "udp-ops-persist": TEMPLATES,
  reuse0: SAME_ENTRY,
  "reuse-quiet0": SAME_ENTRY,
  "udp-nodest": "the flow of a deleted server is dropped or moved by expire_nodest_conn",
};

/** Single choices that are made but cannot be compared, by recording and id of the step: the realserver did not answer. */
const UNANSWERED: Readonly<Record<string, readonly string[]>> = {
  "dead-server": ["c1", "c3"],
  "no-server": ["c2"],
  "udp-none": ["u3"],
};

/** What all recordings that are replayed have together; a replay that compares less has lost something. */
const CHOICES_COMPARED = 5400;

interface Choice {
  readonly id: string;
  readonly recorded: string;
}

function choiceOf(step: RecordedStep): Choice | undefined {
  if ("connect" in step) return { id: step.connect, recorded: step.chosen };
  return "udp" in step ? { id: step.udp, recorded: step.chosen } : undefined;
}

/** Plays a recording and returns how many choices were compared. */
function replay({ name, steps }: Recording): number {
  const model = new KernelModel();
  const unanswered = UNANSWERED[name] ?? [];
  let compared = 0;
  for (const step of steps) {
    const replayed = model.play(step);
    const choice = choiceOf(step);
    if (choice === undefined) continue;
    if (unanswered.includes(choice.id)) {
      assert.match(choice.recorded, /^(refused|unreachable)$/, `${name} ${choice.id} was answered`);
      continue;
    }
    assert.equal(replayed, choice.recorded, `${name}: choice of ${choice.id} at ${step.at} s`);
    compared++;
  }
  return compared;
}

describe("schedulers against the recorded kernel", () => {
  const withChoices = recordingNames()
    .map(readRecording)
    .filter((recording) => recording.steps.some((step) => choiceOf(step) !== undefined));
  let compared = 0;

  for (const recording of withChoices) {
    const { name, about } = recording;
    it(`${name}: ${about}`, { skip: LEFT_OUT[name] }, () => {
      const count = replay(recording);
      assert.ok(count > 0, "no choice was compared");
      compared += count;
    });
  }

  it("names only recordings and steps that exist as exceptions", () => {
    const names = withChoices.map(({ name }) => name);
    for (const name of [...Object.keys(LEFT_OUT), ...Object.keys(UNANSWERED)]) {
      assert.ok(names.includes(name), `no recording ${name}`);
    }
    for (const [name, ids] of Object.entries(UNANSWERED)) {
      const known = readRecording(name).steps.map((step) => choiceOf(step)?.id);
      for (const id of ids) assert.ok(known.includes(id), `no step ${id} in ${name}`);
    }
  });

  it("compares every choice of the recordings that are replayed", () => {
    assert.equal(compared, CHOICES_COMPARED);
  });
});
