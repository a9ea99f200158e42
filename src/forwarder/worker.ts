/**
 * Entry of a forwarder process: answers the primary's requests until the primary is gone. Signals meant for the whole
 * process group (Ctrl-C, a service manager's TERM) are left to the primary, which ends this process when it is time.
 */
import process from "node:process";
import { UvsError } from "../core/errors.js";
import type { ServiceId, ServiceSettings } from "../core/model.js";
import { AccessLog } from "../metrics/access-log.js";
import { createLogger } from "../metrics/log.js";
import { Forwarder } from "./forwarder.js";
import type { ForwarderConfig, ForwarderMessage, ForwarderRequests, RequestMessage } from "./messages.js";
import type { SocketHandle } from "./plane-host.js";

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"] as const) process.on(signal, () => {});
// First of all listeners: cluster's own calls `process.exit`, which waits for ever for a thread blocked in a call.
process.prependListener("disconnect", () => process.kill(process.pid, "SIGKILL"));

let forwarder: Forwarder | undefined;
let accessLog: AccessLog | undefined;

function tell(message: ForwarderMessage): void {
  if (process.connected) process.send?.(message);
}

/** Every request's handler; the answer is sent when it resolves. */
const handlers: {
  [Name in keyof ForwarderRequests]: (
    argument: ForwarderRequests[Name]["takes"],
    handle: SocketHandle | undefined,
  ) => Promise<ForwarderRequests[Name]["gives"]> | ForwarderRequests[Name]["gives"];
} = {
  configure: async (config) => {
    await configure(config);
    return null;
  },
  listen: async (request, handle) => done(await running().listen(request, handle!)),
  unlisten: async (key) => done(await running().unlisten(key)),
  addService: (service) => done(running().addService(service)),
  editService: ({ id, settings }: { id: ServiceId; settings: ServiceSettings }) =>
    done(running().editService(id, settings)),
  deleteService: async (id) => done(await running().deleteService(id)),
  addRealserver: ({ id, server }) => done(running().addRealserver(id, server)),
  editRealserver: ({ id, server }) => done(running().editRealserver(id, server)),
  deleteRealserver: ({ id, server }) => done(running().deleteRealserver(id, server)),
  together: (changes) => done(running().together(changes)),
  setTimeouts: (timeouts) => done(running().setTimeouts(timeouts)),
  setSysctls: (values) => done(running().setSysctls(values)),
  connections: (choice) => running().connections(choice),
  killConnections: (choice) => running().killConnections(choice),
  templates: (choice) => running().templates(choice),
  templateChanges: (position) => running().templateChanges(position),
  controlledTemplates: (first) => running().controlledTemplates(first),
  holdTemplates: (batch) => done(running().holdTemplates(batch)),
  seedTemplates: (batch) => done(running().seedTemplates(batch)),
  mergeTemplates: (request) => done(running().mergeTemplates(request)),
  flushTemplates: () => running().flushTemplates(),
  flows: (page) => running().flows(page),
  resumeFlows: (batch) => done(running().resumeFlows(batch)),
  zero: (id) => done(running().zero(id)),
  status: (id) => running().report(id ?? undefined),
  figures: (request) => running().figures(request),
  passive: () => running().passive(),
  drain: async ({ graceMs }) => {
    const reset = await running().drain(graceMs);
    await accessLog?.close();
    return { reset };
  },
  reopenLogs: () => done(accessLog?.reopen()),
};

async function configure(config: ForwarderConfig): Promise<void> {
  const logger = createLogger(config.log).child({ forwarder: config.generation });
  if (config.accessLog !== undefined) accessLog = new AccessLog(config.accessLog);
  forwarder = new Forwarder({
    config,
    logger,
    accessLog,
    onWantListener: (listen) => tell({ event: "wantListener", listen }),
    onFailure: (error) => {
      logger.fatal({ err: error }, "data plane failed; this forwarder ends and another takes its place");
      process.kill(process.pid, "SIGKILL");
    },
  });
  await forwarder.start();
}

function running(): Forwarder {
  if (forwarder !== undefined) return forwarder;
  throw new UvsError("INTERNAL", "the forwarder was asked before it was configured", { side: "director" });
}

function done(_: unknown): null {
  return null;
}

/** Requests are carried out in the order of their arrival: the first, `configure`, takes a while. */
let previous: Promise<void> = Promise.resolve();

process.on("message", (message: RequestMessage, handle: SocketHandle | undefined) => {
  const { id, request, argument } = message;
  const handler = handlers[request] as (
    argument: unknown,
    handle: SocketHandle | undefined,
  ) => Promise<unknown>;
  const answer = async (): Promise<void> => {
    try {
      tell({ answer: id, value: await handler(argument, handle) });
    } catch (error) {
      tell({ answer: id, error: UvsError.from(error).toPlain() });
    }
  };
  // A drain lasts as long as connections do; status must be answered meanwhile.
  if (request === "drain") void previous.then(answer);
  else previous = previous.then(answer);
});

tell({ event: "hello" });
