/**
 * Entry of the guardian: a process that only watches. The end of its input is the death of the director, and known at
 * once; then it takes off the addresses that the director held, tells the peers that it has left, and ends. Where the
 * director ends in order it holds nothing any more, and there is nothing to do. Signals meant for the whole process group
 * are left to the director.
 */
import process from "node:process";
import { InterfaceTable } from "../../dataplane/native/interface-table.js";
import { loadLibc } from "../../dataplane/native/libc.js";
import { removeLeftovers } from "../../ha/resources/floating-addresses.js";
import { HeldNote } from "../../ha/resources/held-note.js";
import { createLogger } from "../../metrics/log.js";
import { decodeDuty } from "./duty.js";
import { sendFarewells } from "./farewell.js";

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"] as const) process.on(signal, () => {});

// Whatever takes time is done now and not when it counts.
const libc = loadLibc();
const interfaces = new InterfaceTable(libc);
let last: string | undefined;

// A line that was cut off by the death of whoever wrote it is none.
let partial = "";
process.stdin.setEncoding("utf8").on("data", (text: string) => {
  const lines = (partial + text).split("\n");
  partial = lines.pop() ?? "";
  last = lines.at(-1) ?? last;
});
process.stdin.once("close", () => void act().finally(() => process.exit(0)));

async function act(): Promise<void> {
  const duty = last === undefined ? undefined : decodeDuty(last);
  if (duty === undefined || duty.held.length + duty.farewells.length === 0) return;
  const { held, farewells, note, log } = duty;
  const logger = createLogger(log).child({ guardian: process.pid });
  const failure = removeLeftovers(held, { interfaces, note: new HeldNote(note, logger), logger });
  await sendFarewells(farewells, libc, logger);
  logger.error(
    { addresses: held.map(({ address }) => address).join(" ") },
    failure === undefined
      ? "the director has died: its addresses are taken off and its peers are told"
      : `the director has died, and two directors may have an address: ${failure}`,
  );
}
