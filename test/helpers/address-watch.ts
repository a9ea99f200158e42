/**
 * Who has which address, by the kernels' own word: one socket hears the notifications of all namespaces of a lab
 * (`ip monitor all-nsid`), in the order in which things happened, so that two holders at once are seen however short that
 * was, and never only because one of two observers was late.
 */
import type { ChildProcess } from "node:child_process";

/** See the file's head. */
export class AddressWatch {
  readonly #hosts: ReadonlyMap<number, string>;
  readonly #holders = new Map<string, Set<string>>();
  readonly #twice: string[] = [];

  /** @param monitor the running `ip monitor`, @param hosts names by the id of their namespace; it may grow */
  constructor(monitor: ChildProcess, hosts: ReadonlyMap<number, string>) {
    this.#hosts = hosts;
    let partial = "";
    monitor.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (partial + text).split("\n");
      partial = lines.pop() ?? "";
      for (const line of lines) this.#line(line);
    });
  }

  /** Hosts that have an address now. */
  holders(address: string): string[] {
    return [...(this.#holders.get(address) ?? [])];
  }

  /** Every time that a second host got an address, in words. */
  get heldTwice(): readonly string[] {
    return this.#twice;
  }

  /** Forgets what was held twice so far, because it had to be. */
  excuse(): void {
    this.#twice.length = 0;
  }

  /** `[nsid 1]Deleted 2: eth0    inet 10.79.0.100/24 ...`; what happens in the watch's own namespace has no id. */
  #line(line: string): void {
    const [, id, deleted, address] = /^(?:\[nsid (\d+)\])?(Deleted )?.*\binet6? ([^\s/]+)/.exec(line) ?? [];
    if (address === undefined) return;
    const host = id === undefined ? "switch" : (this.#hosts.get(Number(id)) ?? `namespace ${id}`);
    const holders = this.#holders.get(address) ?? new Set();
    this.#holders.set(address, holders);
    if (deleted !== undefined) {
      holders.delete(host);
      return;
    }
    holders.add(host);
    if (holders.size > 1) this.#twice.push(`${address} on ${[...holders].join(" and ")}`);
  }
}
