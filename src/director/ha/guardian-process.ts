/**
 * Entry of the guardian: a process that only watches. The end of its input is the death of the director, and known at
 * once; then it takes off the addresses that the director held, tells the peers that it has left, and ends. Where the
 * director ends in order it holds nothing any more, and there is nothing to do. A director that stands still (SIGSTOP, a
 * frozen container) for as long as the peers wait loses its addresses as well, and hears of what has happened when it goes on.
 * Signals meant for the whole process group are left to the director.
 */
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { InterfaceTable } from "../../dataplane/native/interface-table.js";
import { loadLibc } from "../../dataplane/native/libc.js";
import { raiseThreadPriority } from "../../dataplane/native/thread-priority.js";
import { removeLeftovers } from "../../ha/resources/floating-addresses.js";
import { HeldNote } from "../../ha/resources/held-note.js";
import { createLogger } from "../../metrics/log.js";
import { type Duty, decodeDuty } from "./duty.js";
import { sendFarewells } from "./farewell.js";
import { SilenceWatch } from "./silence-watch.js";

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2", "SIGTSTP"] as const)
  process.on(signal, () => {});

// Whatever takes time is done now and not when it counts, and code that was compiled is kept until it does.
setFlagsFromString("--no-flush-bytecode");
const libc = loadLibc();
raiseThreadPriority(libc);
const interfaces = new InterfaceTable(libc);
const silence = new SilenceWatch(standsStill);
let duty: Duty | undefined;

// A line that was cut off by the death of whoever wrote it is none.
let partial = "";
process.stdin.setEncoding("utf8").on("data", (text: string) => {
  const lines = (partial + text).split("\n");
  partial = lines.pop() ?? "";
  const last = lines.findLast((line) => line !== "");
  if (last !== undefined) duty = decodeDuty(last);
  silence.heard(duty?.silenceMs);
});
process.stdin.once("close", () => void act().finally(() => process.exit(0)));

/** The note stays: the director goes on with it, or dies. */
function standsStill(silentMs: number): void {
  if (duty === undefined) return;
  const { held, log } = duty;
  const removed = held.filter((address) => interfaces.remove(address) === undefined);
  if (removed.length === 0) return;
  const addresses = removed.map(({ address }) => address).join(" ");
  createLogger(log)
    .child({ guardian: process.pid })
    .error({ addresses, silentMs }, `the director stands still: ${addresses} taken off, others take over`);
}

async function act(): Promise<void> {
  silence.stop();
  if (duty === undefined) return;
  const { farewells, log } = duty;
  const logger = createLogger(log).child({ guardian: process.pid });
  const note = new HeldNote(duty.note, logger);
  // An address may be there already that the director has not come to tell of.
  const addresses = new Set([...duty.held, ...note.leftovers()].map(({ address }) => address));
  if (addresses.size + farewells.length === 0) return;
  const failure = removeLeftovers(duty.held, { interfaces, note, logger });
  await sendFarewells(farewells, libc, logger);
  logger.error(
    { addresses: [...addresses].join(" ") },
    failure === undefined
      ? "the director has died: its addresses are taken off and its peers are told"
      : `the director has died, and two directors may have an address: ${failure}`,
  );
}
