/** Loopback addresses and ports of the bench. All of 127.0.0.0/8 is there on Linux without set-up. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createConnection, createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** Address and port. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The VIP of every balancer under test. */
export const VIP = "127.0.0.100";

/** The realservers: four addresses of one server, so that the balancer never runs out of ports towards one of them. */
export const REALSERVERS: readonly string[] = ["127.0.0.11", "127.0.0.12", "127.0.0.13", "127.0.0.14"];

/** `host:port`. */
export function text(address: Address): string {
  return `${address.host}:${address.port}`;
}

/** A port that is free on `host` now. */
export async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

/**
 * Waits until whoever listens at the address answers `probe` with at least one byte.
 * @param gaveUp asked between attempts; a reason ends the wait
 * @throws Error with the reason, or after 15 seconds
 */
export async function waitForAnswer(
  address: Address,
  probe: string,
  gaveUp: () => string | undefined,
): Promise<void> {
  return waitUntil(() => answers(address, probe), address, gaveUp);
}

/** The same for an address that answers datagrams. */
export async function waitForDatagram(
  address: Address,
  probe: string,
  gaveUp: () => string | undefined,
): Promise<void> {
  return waitUntil(() => answersDatagram(address, probe), address, gaveUp);
}

async function waitUntil(
  answers: () => Promise<boolean>,
  address: Address,
  gaveUp: () => string | undefined,
): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!(await answers())) {
    const reason = gaveUp() ?? (Date.now() > deadline ? "no answer within 15 s" : undefined);
    if (reason !== undefined) throw new Error(`${text(address)}: ${reason}`);
    await delay(5);
  }
}

function answersDatagram({ host, port }: Address, probe: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    const settle = (answered: boolean) => {
      clearTimeout(late);
      socket.close();
      resolve(answered);
    };
    const late = setTimeout(() => settle(false), 200);
    socket.once("message", () => settle(true));
    socket.send(probe, port, host);
  });
}

function answers(address: Address, probe: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(address);
    const settle = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(2000, () => settle(false));
    socket.once("error", () => settle(false));
    socket.once("close", () => settle(false));
    socket.once("data", () => settle(true));
    socket.write(probe);
  });
}
