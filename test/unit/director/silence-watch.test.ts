import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { SilenceWatch } from "../../../src/director/ha/silence-watch.js";
import { waitFor } from "../../helpers/wait-for.js";

test("a silence is told once, and the next one again", async () => {
  let told = 0;
  const watch = new SilenceWatch(() => void told++);
  watch.heard(1);
  await waitFor("the first silence is told", () => told === 1);
  await delay(1);
  assert.equal(told, 1);
  watch.heard(1);
  await waitFor("the second silence is told", () => told === 2);
  watch.stop();
});

test("whoever may be silent for ever, or has ended, is not waited for", async () => {
  let told = 0;
  const [free, ended, watched] = [1, 2, 3].map(() => new SilenceWatch(() => void told++));
  free.heard(1);
  free.heard(undefined);
  ended.heard(1);
  ended.stop();
  watched.heard(1);
  await waitFor("the last one's silence is told", () => told > 0);
  assert.equal(told, 1);
});
