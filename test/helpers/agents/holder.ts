/** A process: clients that connect to a realserver which says its name, and hold their connections until told otherwise. */
import { connect, type Socket } from "node:net";
import { answerParent } from "../child.js";

/** Which connections to open. */
export interface Opening {
  readonly vip: string;
  readonly port: number;
  readonly count: number;
  /** Source addresses, taken in turn. @default what the system chooses */
  readonly sources?: readonly string[];
  /** Ends each connection as soon as it is served. @default false */
  readonly release?: boolean;
}

/** How the connections fared so far. */
export interface Counts {
  /** By the realserver's name. */
  readonly served: Record<string, number>;
  /** By the client's address. */
  readonly servedBySource: Record<string, number>;
  readonly reset: number;
  readonly waiting: number;
  /** Served, and not released. */
  readonly held: number;
}

const AT_ONCE = 256;

const held: Socket[] = [];
const served: Record<string, number> = {};
const servedBySource: Record<string, number> = {};
let reset = 0;
let waiting = 0;

/** Opens one connection; resolves when it is served or reset. */
function open({ vip, port, sources, release }: Opening, index: number): Promise<void> {
  const localAddress = sources?.[index % sources.length];
  const socket = connect({ host: vip, port, localAddress });
  waiting++;
  return new Promise((resolve) => {
    let isServed = false;
    socket.on("error", () => {});
    socket.once("data", (name: Buffer) => {
      isServed = true;
      waiting--;
      count(served, name.toString());
      count(servedBySource, localAddress ?? "any");
      if (release) socket.end();
      else held.push(socket);
      if (!release) resolve();
    });
    socket.once("close", () => {
      if (!isServed) {
        waiting--;
        reset++;
      }
      resolve();
    });
  });
}

function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

export const holder = answerParent({
  /** Opens them all at once, without waiting for what becomes of them. */
  start(opening: Opening): void {
    for (let i = 0; i < opening.count; i++) void open(opening, i);
  },
  /** Opens them, a bounded number at a time; resolves when each was served or reset (with `release`: has ended). */
  async run(opening: Opening): Promise<void> {
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < opening.count) await open(opening, next++);
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, opening.count) }, lane));
  },
  counts(): Counts {
    return { served, servedBySource, reset, waiting, held: held.length };
  },
  /** Ends those that were held longest. */
  release(count: number): void {
    for (const socket of held.splice(0, count)) socket.end();
  },
});
