/** Ends processes that a test has started even where the test itself is killed and no hook of it runs. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const GUARD = fileURLToPath(new URL("./agents/orphan-guard.js", import.meta.url));

/** Of this process: one guard for all its children. */
let guard: ChildProcess | undefined;

/** Sees to it that `child` does not outlive this process. */
export function endWithThisProcess(child: ChildProcess): void {
  if (child.pid === undefined) return;
  guard ??= startGuard();
  guard.stdin?.write(`+${child.pid}\n`);
  child.once("exit", () => guard?.stdin?.write(`-${child.pid}\n`));
}

function startGuard(): ChildProcess {
  // A group of its own: what ends the test's group must not end its guard.
  const started = spawn(process.execPath, [GUARD], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  started.unref();
  // It ends with this process, and does not keep it.
  (started.stdin as unknown as { unref(): void }).unref();
  return started;
}
