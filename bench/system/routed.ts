/**
 * The layout of LVS-NAT in network namespaces: client, director and realservers on three hosts, as a transparent director
 * needs it. On loopback all of them would share one set of ports. Needs root.
 *
 *   client 10.81.0.2 ── 10.81.0.1 director 10.82.0.1 ── 10.82.0.11 to .14 realservers, whose default route it is
 */
import { execFileSync } from "node:child_process";
import { which } from "./which.js";

/** Where clients of the director connect. */
export const ROUTED_VIP = "10.81.0.1";
/** One server's addresses. */
export const ROUTED_REALSERVERS: readonly string[] = [11, 12, 13, 14].map((last) => `10.82.0.${last}`);

type Host = "client" | "director" | "realservers";
const HOSTS: readonly Host[] = ["client", "director", "realservers"];

/** Why it cannot be made; undefined: it can. */
export function routedMissing(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root, for network namespaces";
  const missing = ["ip", "nft", "nginx", "wrk"].find((program) => which(program) === undefined);
  return missing && `needs ${missing}`;
}

/** See the file's head. */
export class RoutedHosts {
  readonly #prefix: string;
  readonly #made: Host[] = [];

  /**
   * Call `remove` when it is no longer used, whatever comes of `make`.
   * @param label tells the hosts of this one from others of the bench
   */
  constructor(label: string) {
    this.#prefix = `uvsb${process.pid}-${label}`;
  }

  /** @throws Error where a namespace cannot be made */
  make(): void {
    for (const host of HOSTS) {
      ip("netns", "add", this.#name(host));
      this.#made.push(host);
      this.#ip(host, "link", "set", "lo", "up");
    }
    this.#join("client", "eth0", ["10.81.0.2/24"], "outside", [`${ROUTED_VIP}/24`]);
    this.#join(
      "realservers",
      "eth0",
      ROUTED_REALSERVERS.map((address) => `${address}/24`),
      "inside",
      ["10.82.0.1/24"],
    );
    this.#ip("realservers", "route", "add", "default", "via", "10.82.0.1");
  }

  /** A command that runs on a host. */
  on(host: Host, command: readonly string[]): readonly string[] {
    return ["ip", "netns", "exec", this.#name(host), ...command];
  }

  remove(): void {
    for (const host of this.#made.splice(0)) ip("netns", "del", this.#name(host));
  }

  #name(host: Host): string {
    return `${this.#prefix}-${host}`;
  }

  #join(
    host: Host,
    device: string,
    own: readonly string[],
    other: string,
    directors: readonly string[],
  ): void {
    ip(
      "-n",
      this.#name(host),
      "link",
      "add",
      device,
      "type",
      "veth",
      "peer",
      other,
      "netns",
      this.#name("director"),
    );
    for (const [at, name, addresses] of [
      [host, device, own],
      ["director", other, directors],
    ] as const) {
      for (const address of addresses) this.#ip(at, "addr", "add", address, "dev", name);
      this.#ip(at, "link", "set", name, "up");
    }
  }

  #ip(host: Host, ...args: readonly string[]): void {
    ip("-n", this.#name(host), ...args);
  }
}

function ip(...args: readonly string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}
