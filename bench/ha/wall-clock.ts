/** One clock for all processes of the bench, that of `ip monitor` too: `performance` keeps to the one of its own start. */
import { LoopClock } from "../../src/dataplane/native/clock.js";
import { loadLibc } from "../../src/dataplane/native/libc.js";

const clock = new LoopClock(loadLibc());

/** Wall time in milliseconds, with fractions. */
export function nowMs(): number {
  clock.readWall();
  return clock.wallMs;
}
