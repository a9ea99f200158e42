/**
 * Random valid edits by seed. Services at "steady" addresses are never without a realserver that takes connections, not
 * even between two edits, and never deleted; the others come and go.
 */
import { SCHEDULER_NAMES } from "../../../src/schedulers/registry.js";
import { randomBySeed } from "../keystream.js";
import { type Edit, type Place, PORT, type ServerEdit, type ServiceEdit } from "./edit.js";
import { type EditModel, HEAVY, type ModelService } from "./model.js";

/** The addresses of a script. */
export interface Places {
  readonly steady: readonly string[];
  readonly changing: readonly string[];
  readonly realservers: readonly string[];
}

/** Edits that are asked for together, and how. */
export interface Batch {
  readonly by: "words" | "restore" | "atomic restore" | "api" | "atomic api" | "program";
  readonly edits: readonly Edit[];
}

const WEIGHTS = [0, 1, 2, 3, 5, 10, HEAVY, HEAVY, HEAVY];
const NETMASKS = ["255.255.255.255", "255.255.255.0", "255.255.0.0", "0.0.0.0"];
const LARGEST_BATCH = 40;

/** Maker of edits; two of the same seed make the same. */
export class EditScript {
  readonly #random: () => number;
  readonly #places: Places;

  constructor(seed: number, places: Places) {
    this.#random = randomBySeed(seed);
    this.#places = places;
  }

  /** What the director begins with: the steady services. */
  begin(): Edit[] {
    const { steady, realservers } = this.#places;
    return steady.flatMap((address, i): Edit[] => {
      const at: Place = { protocol: "tcp", address, port: PORT };
      const server: ServerEdit = {
        address: realservers[i % realservers.length],
        weight: HEAVY,
        forwarding: "route",
        upper: 0,
        lower: 0,
      };
      return [
        { op: "A", at, service: { scheduler: "wlc", flags: [] } },
        { op: "a", at, server },
      ];
    });
  }

  /** The next edits, at most `limit`; the model is as it will be before them. */
  next(model: EditModel, limit: number): Batch {
    const by = this.#by();
    const isAlone = by === "words" || by === "api";
    const count = Math.min(limit, isAlone ? 1 : 1 + this.#below(LARGEST_BATCH));
    if (by.startsWith("atomic") && this.#random() < 0.5) {
      const edits = allAnew(model);
      if (edits.length <= limit) return { by, edits };
    }
    const ahead = model.copy();
    const edits: Edit[] = [];
    while (edits.length < count) {
      const edit = this.#edit(ahead);
      ahead.apply(edit);
      edits.push(edit);
    }
    return { by, edits };
  }

  #by(): Batch["by"] {
    const throws = this.#random();
    if (throws < 0.25) return "words";
    if (throws < 0.5) return "api";
    if (throws < 0.7) return "restore";
    if (throws < 0.8) return "atomic restore";
    if (throws < 0.9) return "atomic api";
    return "program";
  }

  /** A valid edit after which the steady services still serve. */
  #edit(model: EditModel): Edit {
    for (;;) {
      const edit = this.#attempt(model);
      const after = model.copy();
      after.apply(edit);
      if (this.#places.steady.every((address) => after.isUsable(address))) return edit;
    }
  }

  #attempt(model: EditModel): Edit {
    const isSteady = this.#random() < 0.5;
    const address = this.#pick(isSteady ? this.#places.steady : this.#places.changing);
    const found = model.get(address);
    if (found === undefined) {
      const at = this.#placeOf(address);
      return { op: "A", at, service: this.#service(at) };
    }
    const { at } = found;
    const what = this.#random();
    if (!isSteady && what < 0.1) return { op: "D", at };
    if (what < 0.3) return { op: "E", at, service: this.#service(at) };
    return this.#serverEdit(found);
  }

  #serverEdit({ at, servers }: ModelService): Edit {
    const address = this.#pick(this.#places.realservers);
    const isThere = servers.some((server) => server.address === address);
    if (!isThere) return { op: "a", at, server: this.#server(address) };
    if (this.#random() < 0.4) return { op: "d", at, server: { address } };
    return { op: "e", at, server: this.#server(address) };
  }

  /** The first changing address has a service of all ports, the last one of UDP. */
  #placeOf(address: string): Place {
    const { changing } = this.#places;
    if (address === changing[0]) return { protocol: "tcp", address, port: 0 };
    return { protocol: address === changing.at(-1) ? "udp" : "tcp", address, port: PORT };
  }

  #service({ port }: Place): ServiceEdit {
    const scheduler = this.#pick(SCHEDULER_NAMES);
    const flags = (["fallback", "port"] as const).filter(
      () => (scheduler === "sh" || scheduler === "mh") && this.#random() < 0.5,
    );
    const isPersistent = port === 0 || this.#random() < 0.3;
    return {
      scheduler,
      flags: flags.map((flag) => `${scheduler as "sh" | "mh"}-${flag}` as const),
      ...(isPersistent && {
        persistence: { timeoutSec: 1 + this.#below(600), netmask: this.#pick(NETMASKS) },
      }),
    };
  }

  #server(address: string): ServerEdit {
    const upper = this.#random() < 0.2 ? 1 + this.#below(20) : 0;
    return {
      address,
      weight: this.#pick(WEIGHTS),
      forwarding: this.#pick(["masq", "route", "tunnel"] as const),
      upper,
      lower: this.#below(upper + 1),
    };
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)];
  }
}

/** All made again, as by somebody who restores a saved table: no client may notice. */
function allAnew(model: EditModel): Edit[] {
  const services = model
    .services()
    .flatMap(({ at, service, servers }): Edit[] => [
      { op: "A", at, service },
      ...servers.map((server): Edit => ({ op: "a", at, server })),
    ]);
  return [{ op: "C" }, ...services];
}
