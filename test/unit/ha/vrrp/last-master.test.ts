/** Who is known to have been master, and has not said that it leaves. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LastMaster } from "../../../../src/ha/vrrp/last-master.js";

const A = "10.0.0.1";
const B = "10.0.0.2";
const SILENCE = 300;
const adv = (source: string, priority: number) => ({ source, priority, intervalMs: 100 });

test("nobody is lost as long as nobody was heard", () => {
  assert.equal(new LastMaster().lost(1e6, SILENCE), undefined);
});

test("a master is lost once it was silent for long enough", () => {
  const last = new LastMaster();
  last.heard(1000, adv(A, 150));
  assert.equal(last.lost(1299, SILENCE), undefined);
  assert.deepEqual([last.lost(1300, SILENCE)?.source, last.lost(1300, SILENCE)?.heardMs], [A, 1000]);
});

test("a master that said that it leaves is not lost; the word of another one changes nothing", () => {
  const last = new LastMaster();
  last.heard(1000, adv(A, 150));
  last.heard(1010, adv(B, 0));
  assert.equal(last.lost(2000, SILENCE)?.source, A);
  last.heard(1020, adv(A, 0));
  assert.equal(last.lost(2000, SILENCE), undefined);
});

test("the last advertisement of a master that yields does not hide the better one", () => {
  const last = new LastMaster();
  last.heard(1000, adv(A, 100));
  last.heard(1050, adv(B, 150));
  last.heard(1051, adv(A, 100));
  assert.equal(last.lost(2000, SILENCE)?.source, B);
});

test("a worse master is the last one when the better one has been silent for an interval", () => {
  const last = new LastMaster();
  last.heard(1000, adv(B, 150));
  last.heard(1400, adv(A, 100));
  assert.equal(last.lost(2000, SILENCE)?.source, A);
});
