/**
 * Mutated packets against decoder and receiver. UVS_FUZZ_PACKETS says how many (a quick run by default); UVS_FUZZ_SEED
 * repeats a run.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAuthKeys } from "../../../../src/ha/heartbeat/auth-keys.js";
import { decode, encode } from "../../../../src/ha/heartbeat/codec.js";
import { DROP_REASONS } from "../../../../src/ha/heartbeat/drop-reasons.js";
import { Receiver } from "../../../../src/ha/heartbeat/receive.js";
import { readStatus } from "../../../../src/ha/heartbeat/report.js";
import {
  CAPTURED_KEYS,
  CAPTURED_STANDBY,
  CAPTURED_STATUS,
  CLASSIC_BODY,
  DIGESTS,
} from "../../../helpers/heartbeat-vectors.js";
import { mutate, random } from "../../../helpers/mutation.js";

const PACKETS = Number(process.env["UVS_FUZZ_PACKETS"] ?? 50_000);
const SEED = Number(process.env["UVS_FUZZ_SEED"] ?? Date.now() % 0x7fffffff);
const KEYS = parseAuthKeys(CAPTURED_KEYS, "authkeys");
const SEEDS = [
  CAPTURED_STATUS,
  CAPTURED_STANDBY,
  Buffer.from(`>>>\n${CLASSIC_BODY}auth=1 ${DIGESTS.classic.sha1}\n<<<\n`),
];

test(`${PACKETS} mutated packets are dropped for a named reason, and change no state (seed ${SEED})`, () => {
  const next = random(SEED);
  const settings = { node: "me", generation: 1, nodes: ["me", "hba"] };
  const receiver = new Receiver(settings, () => KEYS);
  const counts = new Map<string, number>();
  for (let i = 0; i < PACKETS; i++) {
    const seed = SEEDS[next(SEEDS.length)];
    const packet = mutate(seed, next);
    // Some mutations cancel out.
    if (Buffer.compare(packet, seed) === 0) continue;
    const outcome = receiver.check(packet);
    assert.equal(outcome.verdict, "dropped", `seed ${SEED}: ${Buffer.from(packet).toString("hex")}`);
    const reason = outcome.verdict === "dropped" ? outcome.reason : "";
    assert.ok(reason in DROP_REASONS, `seed ${SEED}: ${reason} is no reason`);
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  for (const reason of ["malformed", "wrong_digest", "unknown_key"]) {
    assert.ok((counts.get(reason) ?? 0) > 0, `seed ${SEED}: ${reason} did not occur`);
  }
  assert.equal(receiver.check(CAPTURED_STATUS).verdict, "accepted", "no number was used up");
});

test(`${PACKETS} mutated messages with a right digest are read or dropped, and never throw (seed ${SEED})`, () => {
  const next = random(SEED ^ 0x5eed);
  const receiver = new Receiver({ node: "me", generation: 1, nodes: ["me", "hba"] }, () => KEYS);
  let read = 0;
  for (let i = 0; i < PACKETS; i++) {
    const decoded = decode(mutate(SEEDS[next(SEEDS.length)], next));
    if (typeof decoded === "string") continue;
    if (readStatus(decoded.message) !== undefined) read++;
    const outcome = receiver.check(encode(decoded.message, (covered) => KEYS.sign(covered)));
    if (outcome.verdict === "dropped") assert.ok(outcome.reason in DROP_REASONS, `seed ${SEED}`);
  }
  assert.ok(read > 0, `seed ${SEED}: nothing was read`);
});
