/**
 * A director reduced to its heartbeat, as a program: `node heartbeat-host.js SETTINGS.json NOTE`. It prints a JSON line per
 * event, answers commands on its standard input (`status`, `standby SCOPE`, `takeover SCOPE`, `online`), and leaves politely
 * on SIGTERM.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { HaChoice } from "../../src/core/ha-status.js";
import { loadLibc } from "../../src/dataplane/native/libc.js";
import { NativeRawSockets } from "../../src/dataplane/native/raw-sockets.js";
import { HeartbeatPeer } from "../../src/ha/heartbeat/peer.js";
import type { HeartbeatSettings } from "../../src/ha/heartbeat/settings.js";
import { IpCommand } from "../../src/ha/links/ip-command.js";
import { HeldNote } from "../../src/ha/resources/held-note.js";
import { SystemTimers } from "../../src/ha/timers.js";
import { createLogger } from "../../src/metrics/log.js";

const [settingsFile, noteFile] = process.argv.slice(2);
const settings = JSON.parse(readFileSync(settingsFile, "utf8")) as HeartbeatSettings;
const logger = createLogger({ level: "debug", format: "json" });
const timers = new SystemTimers();
const raw = new NativeRawSockets(loadLibc(), (error) => logger.error({}, error.message));
const ip = new IpCommand(timers);
const print = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

ip.warm();
const note = new HeldNote(noteFile, logger);
const peer = new HeartbeatPeer(settings, { timers, raw, ip, note, logger, onEvent: print });

async function stop(): Promise<void> {
  await peer.stop();
  ip.close();
  await raw.close();
  commands.close();
  process.stdin.destroy();
}

const commands = createInterface({ input: process.stdin }).on("line", (line) => {
  const [verb, scope = "all"] = line.split(" ");
  const choice = { scope } as HaChoice;
  try {
    if (verb === "status") print({ kind: "status", status: peer.status() });
    else if (verb === "standby") peer.standby(choice);
    else if (verb === "takeover") peer.takeover(choice);
    else if (verb === "online") peer.clear({});
  } catch (error) {
    print({ kind: "refused", reason: String(error) });
  }
});
process.once("SIGTERM", () => void stop());
await peer.start();
print({ kind: "started" });
