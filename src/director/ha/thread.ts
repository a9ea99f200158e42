/**
 * Entry of the thread for high availability. It has an event loop of its own, so that whatever the control plane is busy
 * with, advertisements are sent on time.
 */
import { setFlagsFromString } from "node:v8";
import { parentPort, workerData } from "node:worker_threads";
import { UvsError } from "../../core/errors.js";
import type { HaChoice } from "../../core/ha-status.js";
import { InterfaceTable } from "../../dataplane/native/interface-table.js";
import { loadLibc } from "../../dataplane/native/libc.js";
import { NativeRawSockets } from "../../dataplane/native/raw-sockets.js";
import { raiseThreadPriority } from "../../dataplane/native/thread-priority.js";
import type { HaEvent } from "../../ha/protocol.js";
import { HeldNote } from "../../ha/resources/held-note.js";
import { SystemTimers } from "../../ha/timers.js";
import { createLogger } from "../../metrics/log.js";
import type { Duty } from "./duty.js";
import { Guardian } from "./guardian.js";
import { measureLoopDelay } from "./loop-delay.js";
import type { HaNews, HaRequestMessage, HaRequestName, HaRequests, HaThreadData } from "./messages.js";
import { Protocols, type RunningProtocol } from "./protocols.js";

/** What is signed for the guardian carries the time; and priorities change without an event. */
const REFRESH_MS = 1000;

// What was compiled once and not run for minutes would be thrown away: all that a takeover runs through.
setFlagsFromString("--no-flush-bytecode");
const { log, note: notePath } = workerData as HaThreadData;
const logger = createLogger(log);
const timers = new SystemTimers();
const loopDelay = measureLoopDelay();
const libc = loadLibc();
raiseThreadPriority(libc);
const raw = new NativeRawSockets(libc, (error) => logger.error({}, error.message));
const interfaces = new InterfaceTable(libc);
// After what clients wait for: until then the guardian finds the address in the note.
const note = new HeldNote(notePath, logger, () => setImmediate(updateDuty));
const onAlive = (): void => guardian?.alive();
const protocols = new Protocols({ timers, raw, interfaces, note, logger, onEvent, onAlive });
const services = new Map<string, "up" | "down">();
let guardian: Guardian | undefined;
let refresh: NodeJS.Timeout | undefined;
let toldStandings = "[]";

function duty(): Duty {
  const farewells = protocols.running.flatMap((protocol) => protocol.farewells());
  const silences = protocols.running.flatMap((protocol) => protocol.silenceMs() ?? []);
  const silence = silences.length > 0 ? { silenceMs: Math.min(...silences) } : {};
  return { held: note.held(), farewells, note: notePath, log, ...silence };
}

function updateDuty(): void {
  guardian?.update(duty());
}

function onEvent(event: HaEvent): void {
  if (event.kind === "left") {
    const { id, family, source } = event;
    tell({ left: { id, family, source } });
  }
  updateDuty();
  // Addresses that are about to go do not wait for it.
  setImmediate(tellStandings);
}

/** Tells how the virtual routers stand, if that is not as it was told. */
function tellStandings(): void {
  const routers = protocols
    .status()
    .instances.flatMap(({ vrrp, state, priority, source = "" }) =>
      vrrp === undefined ? [] : [{ id: vrrp.id, family: vrrp.family, state, priority, source }],
    );
  const text = JSON.stringify(routers);
  if (text === toldStandings) return;
  toldStandings = text;
  tell({ routers });
}

function tell(news: HaNews): void {
  parentPort?.postMessage(news);
}

/**
 * Asks all protocols; who has no such instance may leave it to another.
 * @throws UvsError what the last one threw where none has done it
 */
function command(run: (protocol: RunningProtocol) => void): null {
  const failures: unknown[] = [];
  for (const protocol of protocols.running) {
    try {
      run(protocol);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0 && failures.length === protocols.running.length) throw failures[0];
  return null;
}

/** Every request's handler. */
const handlers: {
  [Name in HaRequestName]: (
    argument: HaRequests[Name]["takes"],
  ) => Promise<HaRequests[Name]["gives"]> | HaRequests[Name]["gives"];
} = {
  async configure(ha) {
    guardian ??= new Guardian(duty(), logger);
    refresh ??= setInterval(() => {
      updateDuty();
      tellStandings();
    }, REFRESH_MS);
    const changes = await protocols.become(ha);
    for (const protocol of protocols.running) {
      for (const [key, state] of services) protocol.setService(key, state);
    }
    updateDuty();
    return changes;
  },
  status: () => ({
    ...protocols.status(),
    thread: { restarts: 0, loopDelay: loopDelay() },
    ...(guardian && { guardian: guardian.status() }),
  }),
  standby: (choice: HaChoice) => command((protocol) => protocol.standby(choice)),
  takeover: (choice: HaChoice) => command((protocol) => protocol.takeover(choice)),
  clear: (choice: HaChoice) => command((protocol) => protocol.clear(choice)),
  services(states) {
    for (const [key, state] of Object.entries(states)) {
      services.set(key, state);
      for (const protocol of protocols.running) protocol.setService(key, state);
    }
    return null;
  },
  handedOver(word) {
    for (const protocol of protocols.running) protocol.handedOver?.(word);
    return null;
  },
  async stop() {
    await protocols.stop();
    clearInterval(refresh);
    await guardian?.end();
    interfaces.close();
    await raw.close();
    return null;
  },
};

async function answer({ id, request, argument }: HaRequestMessage): Promise<void> {
  try {
    const value = await handlers[request](argument as never);
    parentPort?.postMessage({ id, value });
  } catch (error) {
    parentPort?.postMessage({ id, error: UvsError.from(error).toPlain() });
  }
  if (request === "stop") parentPort?.close();
}

process.on("uncaughtException", (error) => {
  logger.fatal({ err: error }, "high availability failed: the guardian gives up what it holds");
  guardian?.release();
  // The pipe to it is closed by then.
  setImmediate(() => process.exit(1));
});
parentPort?.on("message", (message: HaRequestMessage) => void answer(message));
