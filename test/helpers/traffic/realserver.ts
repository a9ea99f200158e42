/** A process: a realserver of the mixed load, which does its part of each client's plan. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { answerParent } from "../child.js";
import { decodePlan, Ledger, PLAN_BYTES, type Plan, type TrafficReport } from "./plan.js";
import { downStream, Receiver, sendStream, upStream } from "./stream.js";

/** How long a slow realserver rests after each chunk, ms. */
const REST_MS = 20;

const ledger = new Ledger();
const open = new Set<Socket>();

async function serve(socket: Socket): Promise<void> {
  const plan = await readPlan(socket);
  if (plan === undefined) return;
  const receiver = new Receiver(
    socket,
    upStream(plan.seed),
    plan.behaviour === "slowRealserver" ? () => REST_MS : undefined,
  );
  await answer(socket, plan, receiver);
  ledger.check(plan, receiver, plan.up);
  ledger.ended(plan.behaviour, socket.bytesWritten, PLAN_BYTES + receiver.received);
}

async function answer(socket: Socket, plan: Plan, receiver: Receiver): Promise<void> {
  const sendDown = (): Promise<void> => sendStream(socket, downStream(plan.seed), plan.down);
  switch (plan.behaviour) {
    case "realserverFirst":
      await sendDown();
      socket.end();
      await receiver.ended;
      break;
    case "clientResets":
      await sendDown();
      await receiver.ended;
      // libuv tells a reset that comes together with bytes as an end.
      socket.destroy();
      break;
    case "realserverResets":
      void sendDown();
      await receiver.atLeast(plan.up / 2);
      socket.resetAndDestroy();
      break;
    default:
      await receiver.ended;
      await sendDown();
      socket.end();
  }
  if (!socket.closed) await once(socket, "close");
}

/** @returns the client's plan, or undefined where it ended before */
async function readPlan(socket: Socket): Promise<Plan | undefined> {
  const isClosed = once(socket, "close").then(() => true);
  for (;;) {
    const bytes: Buffer | null = socket.read(PLAN_BYTES);
    if (bytes?.length === PLAN_BYTES) return decodePlan(bytes);
    if (bytes !== null || (await Promise.race([once(socket, "readable").then(() => false), isClosed]))) {
      ledger.violated(`a connection ended after ${bytes?.length ?? 0} bytes of its plan`);
      return undefined;
    }
  }
}

const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  open.add(socket);
  socket.on("error", () => {});
  socket.once("close", () => open.delete(socket));
  serve(socket).catch((error: Error) => ledger.violated(error.stack ?? error.message));
});

export const trafficRealserver = answerParent({
  /** @returns its port on 127.0.0.1 */
  async listen(): Promise<number> {
    server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 });
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  },
  open(): number {
    return open.size;
  },
  report(): TrafficReport {
    return ledger.report;
  },
});
