/**
 * A peer is a balancer that is measured. Each is a small file that knows whether it can run here, and how it is told to
 * carry one virtual service to some realservers; starting, pinning and stopping is the same for all.
 */
import type { Realservers } from "../realserver/realserver.js";
import { type Address, freePort, VIP, waitForAnswer, waitForDatagram } from "../system/loopback.js";
import { hasEnded, type Processes } from "../system/processes.js";

/** What to balance. */
export interface Route {
  readonly vip: Address;
  readonly realservers: readonly Address[];
  /** The same realservers where they take PROXY protocol headers; empty where they take none. */
  readonly proxied: readonly Address[];
  /** Whether the realservers are checked: GET SMALL_PATH, every second. */
  readonly isChecked: boolean;
}

/** A balancer that can be measured. */
export interface Peer {
  readonly name: string;
  /** Why it cannot run on this machine; undefined where it can. */
  unavailable(): string | undefined;
  /**
   * Writes its configuration into `directory`.
   * @returns the command that runs it in the foreground; undefined for no balancer at all
   */
  prepare(directory: string, route: Route): readonly string[] | undefined;
  /** Path of the control socket, where there is one that the bench can speak to. */
  control?(directory: string): string;
}

/** A peer that answers. */
export interface RunningPeer {
  readonly name: string;
  /** Where clients connect. */
  readonly entry: Address;
  /** Root of its process tree; undefined for no balancer. */
  readonly pid: number | undefined;
  /** From its start to its first answer, milliseconds. */
  readonly startMs: number;
  /** Its control socket, if it has one. */
  readonly control?: string;
  stop(): Promise<void>;
}

/**
 * Starts a peer in front of the realservers and waits until an answer comes through it.
 * @throws Error with the end of its output when it does not come up
 */
export async function startPeer(
  peer: Peer,
  realservers: Realservers,
  processes: Processes,
  directory: string,
  isChecked: boolean,
): Promise<RunningPeer> {
  const vip = { host: VIP, port: await freePort(VIP) };
  const command = peer.prepare(directory, {
    vip,
    realservers: realservers.addresses,
    proxied: realservers.proxied ?? [],
    isChecked,
  });
  if (command === undefined) {
    return {
      name: peer.name,
      entry: realservers.addresses[0],
      pid: undefined,
      startMs: 0,
      stop: async () => {},
    };
  }
  const startedMs = performance.now();
  const running = processes.start("balancer", command);
  try {
    const wait = realservers.transport === "udp" ? waitForDatagram : waitForAnswer;
    await wait(vip, realservers.probe, () =>
      hasEnded(running.child) ? `${peer.name} ended: ${running.output()}` : undefined,
    );
  } catch (error) {
    await running.stop();
    throw error;
  }
  const startMs = performance.now() - startedMs;
  const control = peer.control?.(directory);
  return { name: peer.name, entry: vip, pid: running.pid, startMs, control, stop: () => running.stop() };
}
