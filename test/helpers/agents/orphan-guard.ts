/**
 * A process that outlives a test: reads `+PID` and `-PID` lines, and when its standard input ends, which also the end of a
 * killed test does, it kills what was not taken back.
 */
import { createInterface } from "node:readline";

const guarded = new Set<number>();

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const pid = Number(line.slice(1));
  if (line.startsWith("+")) guarded.add(pid);
  else guarded.delete(pid);
});
lines.on("close", () => {
  for (const pid of guarded) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
});
