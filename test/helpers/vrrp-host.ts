/**
 * A director reduced to its virtual routers, as a program: `node vrrp-host.js SETTINGS.json NOTE`. It prints a JSON line per
 * event, answers commands on its standard input (`status`, `standby NAME`, `takeover NAME`, `online NAME`,
 * `service KEY up|down`), and leaves politely on SIGTERM.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { InterfaceTable } from "../../src/dataplane/native/interface-table.js";
import { loadLibc } from "../../src/dataplane/native/libc.js";
import { NativeRawSockets } from "../../src/dataplane/native/raw-sockets.js";
import { HeldNote } from "../../src/ha/resources/held-note.js";
import { SystemTimers } from "../../src/ha/timers.js";
import { VrrpPeer } from "../../src/ha/vrrp/peer.js";
import type { VrrpSettings } from "../../src/ha/vrrp/peer-settings.js";
import { createLogger } from "../../src/metrics/log.js";

const [settingsFile, noteFile] = process.argv.slice(2);
const settings = JSON.parse(readFileSync(settingsFile, "utf8")) as VrrpSettings;
const logger = createLogger({ level: "debug", format: "json" });
const timers = new SystemTimers();
const libc = loadLibc();
const raw = new NativeRawSockets(libc, (error) => logger.error({}, error.message));
const interfaces = new InterfaceTable(libc);
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const peer = new VrrpPeer(settings, {
  timers,
  raw,
  interfaces,
  note: new HeldNote(noteFile, logger),
  logger,
  onEvent: print,
});

async function stop(): Promise<void> {
  await peer.stop();
  interfaces.close();
  await raw.close();
  commands.close();
  process.stdin.destroy();
}

const commands = createInterface({ input: process.stdin }).on("line", (line) => {
  const [verb, name, state] = line.split(" ");
  if (verb === "status") print({ kind: "status", routers: peer.status().instances });
  else if (verb === "service") peer.setService(name, state === "up" ? "up" : "down");
  else if (verb === "standby") peer.standby({ instance: name });
  else if (verb === "takeover") peer.takeover({ instance: name });
  else if (verb === "online") peer.clear({ instance: name });
});
process.once("SIGTERM", () => void stop());
await peer.start();
print({ kind: "started" });
