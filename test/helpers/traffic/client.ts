/**
 * A process: clients of the mixed load. Each of its places is always taken by one connection of the same behaviour, so
 * that the mixture stays what it is until the time is over; then those that are there finish.
 */
import { once, setMaxListeners } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { answerParent } from "../child.js";
import { randomBySeed } from "../keystream.js";
import { encodePlan, endsInReset, GONE, Ledger, PLAN_BYTES, type Plan, type TrafficReport } from "./plan.js";
import { downStream, Receiver, sendStream, upStream } from "./stream.js";

/** The services of the load, one for each group, so that their totals can be compared each by itself. */
export interface TrafficTargets {
  readonly orderly: string;
  readonly broken: string;
  /** Its realserver never answers. */
  readonly gone: string;
  readonly port: number;
}

export interface TrafficOptions {
  readonly targets: TrafficTargets;
  readonly places: number;
  readonly seconds: number;
  readonly seed: number;
}

/** What twenty places do; one of them has no connection that lasts. */
const MIXTURE: readonly (Plan["behaviour"] | typeof GONE)[] = [
  ...Array(6).fill("idler"),
  ...Array(4).fill("clientFirst"),
  ...Array(3).fill("realserverFirst"),
  ...Array(2).fill("slowClient"),
  "slowRealserver",
  ...Array(2).fill("clientResets"),
  "realserverResets",
  GONE,
];
const KIB = 1024;
/** Longest quiet time of a connection before it goes on, ms; of an idler. */
const QUIET_MS = 4000;
const IDLE_MS = 12_000;
const REST_MS = 20;

const ledger = new Ledger();
let options: TrafficOptions;
let accepted = 0;
/** Resolves when the test has seen that the first connections are all there. */
let begin = (): void => {};
const begun = new Promise<void>((resolve) => {
  begin = resolve;
});
/** Ends every quiet time at once. */
const over = new AbortController();
setMaxListeners(0, over.signal);

async function runPlace(place: number): Promise<void> {
  const random = randomBySeed(options.seed + place * 7919);
  const behaviour = MIXTURE[place % MIXTURE.length];
  if (behaviour === GONE) await begun;
  // Not all at the same moment, which would fill the listening sockets' queues.
  await quiet(random() * 1000);
  while (!over.signal.aborted) {
    if (behaviour === GONE) await goAway(random);
    else await carryOut(makePlan(behaviour, random), random);
  }
}

function makePlan(behaviour: Plan["behaviour"], random: () => number): Plan {
  const size = (limit: number): number => Math.floor(random() ** 2 * limit);
  const seed = Math.floor(random() * 2 ** 32);
  switch (behaviour) {
    case "idler":
      return { behaviour, seed, up: size(4 * KIB), down: size(4 * KIB) };
    case "slowClient":
      return { behaviour, seed, up: size(4 * KIB), down: 256 * KIB + size(2048 * KIB) };
    case "slowRealserver":
      return { behaviour, seed, up: 256 * KIB + size(2048 * KIB), down: size(4 * KIB) };
    default:
      // One byte at least: who resets waits for it, and knows by it that the plan has arrived.
      return { behaviour, seed, up: 1 + size(256 * KIB), down: 1 + size(256 * KIB) };
  }
}

async function carryOut(plan: Plan, random: () => number): Promise<void> {
  const isBroken = endsInReset(plan.behaviour);
  const socket = await open(isBroken ? options.targets.broken : options.targets.orderly);
  if (socket === undefined) return;
  const pauseMs = plan.behaviour === "slowClient" ? () => random() * 2 * REST_MS : undefined;
  const receiver = new Receiver(socket, downStream(plan.seed), pauseMs);
  socket.write(encodePlan(plan));
  await begun;
  await quiet(random() * (plan.behaviour === "idler" ? IDLE_MS : QUIET_MS));
  await act(socket, plan, receiver);
  if (!socket.closed) await once(socket, "close");
  ledger.check(plan, receiver, plan.down);
  ledger.ended(plan.behaviour, isBroken ? socket.bytesWritten : PLAN_BYTES + plan.up, receiver.received);
}

async function act(socket: Socket, plan: Plan, receiver: Receiver): Promise<void> {
  const sendUp = (): Promise<void> => sendStream(socket, upStream(plan.seed), plan.up);
  switch (plan.behaviour) {
    case "clientResets":
      void sendUp();
      await receiver.atLeast(plan.down / 2);
      socket.resetAndDestroy();
      break;
    case "realserverResets":
      await sendUp();
      await receiver.ended;
      // libuv tells a reset that comes together with bytes as an end.
      socket.destroy();
      break;
    case "realserverFirst":
      await receiver.ended;
      await sendUp();
      socket.end();
      break;
    default:
      await sendUp();
      socket.end();
      await receiver.ended;
  }
}

/** Leaves, by a reset or a FIN, while its realserver is being connected to. */
async function goAway(random: () => number): Promise<void> {
  const socket = await open(options.targets.gone);
  if (socket === undefined) return ledger.ended(GONE, 0, 0);
  await quiet(random() * 500);
  if (random() < 0.5) socket.resetAndDestroy();
  else socket.destroy();
  ledger.ended(GONE, 0, socket.bytesRead);
}

/** @returns a connected socket whose errors do not throw; undefined where it was reset before this process saw it */
async function open(vip: string): Promise<Socket | undefined> {
  const socket = connect({ host: vip, port: options.targets.port, allowHalfOpen: true, noDelay: true });
  try {
    await once(socket, "connect");
  } catch (error) {
    // The director has given up its realserver before this process, which may be starved, came to look.
    const isLate = vip === options.targets.gone && (error as NodeJS.ErrnoException).code === "ECONNRESET";
    if (isLate) accepted++;
    else ledger.violated(`connect to ${vip}: ${(error as Error).message}`);
    return undefined;
  }
  accepted++;
  return socket.on("error", () => {});
}

async function quiet(ms: number): Promise<void> {
  await delay(ms, undefined, { signal: over.signal }).catch(() => {});
}

export const trafficClient = answerParent({
  /** Takes the places and waits for `begin`; then runs the load and resolves when its last connection has ended. */
  async run(asked: TrafficOptions): Promise<TrafficReport & { readonly accepted: number }> {
    options = asked;
    await Promise.all(Array.from({ length: options.places }, (_, place) => runPlace(place)));
    return { ...ledger.report, accepted };
  },
  /** The first connections go on, and the time begins. */
  begin(): void {
    setTimeout(() => over.abort(), options.seconds * 1000);
    begin();
  },
});
