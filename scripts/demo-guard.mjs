// Waits until the demo that holds the other end of standard input is gone, then ends its uvsd and removes its folder.
// The demo ends this process itself when it stops in order; this is for the ends that nobody can handle (kill -9).
import { rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

const [pid, folder] = [Number(process.argv[2]), process.argv[3]];
const STOP_DEADLINE_MS = 10_000;

/** @returns whether the process was there to get the signal (0: just asks) */
function signal(name) {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

process.stdin.resume();
await new Promise((resolve) => process.stdin.once("close", resolve));
signal("SIGTERM");
const deadline = performance.now() + STOP_DEADLINE_MS;
while (signal(0) && performance.now() < deadline) await delay(50);
signal("SIGKILL");
rmSync(folder, { recursive: true, force: true });
