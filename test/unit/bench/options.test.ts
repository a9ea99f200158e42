import assert from "node:assert/strict";
import { test } from "node:test";
import { parseOptions } from "../../../bench/options.js";

const choices = {
  scenarios: ["small", "bulk", "idle"],
  peers: ["uvs-native", "haproxy"],
  quick: ["small", "idle"],
  quickPeers: ["uvs-native"],
};
const parse = (...args: string[]) => parseOptions(args, choices);

test("without options every scenario and peer runs in five rounds", () => {
  const { scenarios, peers, profile } = parse();
  assert.deepEqual([scenarios, peers], [choices.scenarios, choices.peers]);
  assert.equal(profile.rounds, 5);
});

test("scenarios and peers are chosen by lists or repetition, and keep their order", () => {
  assert.deepEqual(parse("--only", "idle,small").scenarios, ["small", "idle"]);
  assert.deepEqual(parse("--only", "idle", "--only", "bulk").scenarios, ["bulk", "idle"]);
  assert.deepEqual(parse("--peers", "haproxy").peers, ["haproxy"]);
});

test("the quick profile has scenarios and peers of its own unless others are asked for", () => {
  assert.deepEqual(parse("--quick").scenarios, ["small", "idle"]);
  assert.deepEqual(parse("--quick").peers, ["uvs-native"]);
  assert.deepEqual(parse("--quick", "--peers", "haproxy").peers, ["haproxy"]);
  assert.deepEqual(parse("--quick", "--only", "bulk").scenarios, ["bulk"]);
});

test("the number of rounds holds for the quick profile as well", () => {
  const { profile } = parse("--quick", "--rounds", "3");
  assert.deepEqual([profile.name, profile.rounds], ["quick", 3]);
});

for (const rounds of ["0", "51", "-1", "2.5", "many", ""]) {
  test(`--rounds "${rounds}" is refused with what is accepted`, () => {
    assert.throws(() => parse(`--rounds=${rounds}`), {
      message: `--rounds: found "${rounds}", accepted is a whole number from 1 to 50`,
    });
  });
}

test("unknown names are refused with those that are known", () => {
  assert.throws(() => parse("--only", "small,big"), {
    message: '--only: found "big", accepted are small, bulk, idle',
  });
  assert.throws(() => parse("--peers", "ipvs"), {
    message: '--peers: found "ipvs", accepted are uvs-native, haproxy',
  });
});

test("unknown options are refused", () => {
  assert.throws(() => parse("--fast"), /--fast/);
});
