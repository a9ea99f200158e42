/**
 * A question and its answer over UDP, for checks of every protocol. The socket is connected, so that only the realserver's
 * datagrams arrive and an ICMP error (port unreachable) is a failure at once instead of a time-out.
 */
import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Endpoint } from "../../core/address.js";
import { CheckFailure, type Probe } from "../checker.js";
import { failureOf } from "../failure.js";

/** Datagrams of the realserver that are no answer, after which the probe gives up. */
const MAX_STRAYS = 64;

/** What is asked, and what counts as an answer. */
export interface DatagramExchange<T> {
  /** Makes the datagram; called once, with our own end of the connected socket. */
  request(local: Endpoint): Uint8Array;
  /** Reads a datagram: the answer, or undefined where it is none and waiting goes on. May throw a CheckFailure. */
  answer(message: Buffer): T | undefined;
  /** What silence means, where it means something: the answer, and after how many milliseconds. @default a time-out */
  readonly silence?: { readonly answer: T; readonly afterMs: number };
}

/**
 * Sends the request, again after half of the time-out (datagrams get lost), and waits for the answer.
 * @throws CheckFailure L4CON on an ICMP error, SOCKERR where the name is not found, L7TOUT, or what `answer` throws
 */
export async function exchangeDatagrams<T>(probe: Probe, exchange: DatagramExchange<T>): Promise<T> {
  const { target, signal, timeoutMs } = probe;
  let socket: Socket | undefined;
  const timers: NodeJS.Timeout[] = [];
  let giveUp = (): void => {};
  try {
    return await new Promise<T>((resolve, reject) => {
      giveUp = () => reject(timeOut(timeoutMs));
      if (signal.aborted) return giveUp();
      signal.addEventListener("abort", giveUp);
      const start = (address: string): void => {
        if (signal.aborted) return;
        socket = createSocket(isIP(address) === 6 ? "udp6" : "udp4");
        listen(socket, exchange, resolve, reject);
        socket.connect(target.port, address, () => ask(socket!, exchange, resolve, timeoutMs, timers));
      };
      if (isIP(target.address) !== 0) start(target.address);
      else lookup(target.address).then(({ address }) => start(address), reject);
    });
  } catch (error) {
    throw datagramFailure(error);
  } finally {
    signal.removeEventListener("abort", giveUp);
    for (const timer of timers) clearTimeout(timer);
    socket?.close();
  }
}

function ask<T>(
  socket: Socket,
  { request, silence }: DatagramExchange<T>,
  resolve: (answer: T) => void,
  timeoutMs: number,
  timers: NodeJS.Timeout[],
): void {
  const message = request(socket.address());
  socket.send(message);
  timers.push(setTimeout(() => socket.send(message), (silence?.afterMs ?? timeoutMs) / 2));
  if (silence) timers.push(setTimeout(() => resolve(silence.answer), silence.afterMs));
}

function listen<T>(
  socket: Socket,
  { answer }: DatagramExchange<T>,
  resolve: (answer: T) => void,
  reject: (error: unknown) => void,
): void {
  let strays = 0;
  socket.on("error", reject);
  socket.on("message", (message) => {
    try {
      const found = answer(message);
      if (found !== undefined) resolve(found);
      else if (++strays >= MAX_STRAYS)
        reject(new CheckFailure("L7RSP", `${strays} datagrams without an answer`));
    } catch (error) {
      reject(error);
    }
  });
}

function timeOut(timeoutMs: number): CheckFailure {
  return new CheckFailure("L7TOUT", `timed out after ${timeoutMs} ms while waiting for the answer`);
}

function datagramFailure(error: unknown): unknown {
  const isRefusal = (error as NodeJS.ErrnoException).code === "ECONNREFUSED";
  if (isRefusal) return new CheckFailure("L4CON", "port unreachable (ICMP)");
  const { code, reason } = failureOf(error);
  return new CheckFailure(code, reason);
}
