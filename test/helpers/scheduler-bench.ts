/** A virtual service whose list is edited as the kernel does, for tests of schedulers. */
import { parseIp } from "../../src/core/address.js";
import { NONE, type SchedulerColumns, ServerFlag } from "../../src/schedulers/columns.js";
import { SCHEDULERS, schedulerNumber } from "../../src/schedulers/registry.js";
import type { ScheduleKey, Scheduler } from "../../src/schedulers/scheduler.js";
import { createSchedulerColumns } from "./scheduler-columns.js";

/** What a realserver can be added or edited with. */
export interface ServerOptions {
  readonly weight?: number;
  /** @default "10.0.0.<slot + 1>" */
  readonly address?: string;
  /** @default 80 */
  readonly port?: number;
  readonly upperThreshold?: number;
  readonly lowerThreshold?: number;
}

/** What a bench stands on; by default columns of its own. */
export interface BenchOptions {
  readonly flags?: number;
  readonly columns?: SchedulerColumns;
  readonly service?: number;
  /** First realserver slot to use, where several benches share columns. */
  readonly firstServer?: number;
}

interface Thresholds {
  readonly upper: number;
  readonly lower: number;
}

/** "No realserver" in traces. */
export const REFUSED = "-";

/**
 * One virtual service: realservers by name, a scheduler bound to it, counts kept as the kernel does. A deleted realserver
 * keeps its slot and counts, and gets them back when it is added again, until `forget` frees the slot.
 */
export class SchedulerBench {
  readonly columns: SchedulerColumns;
  readonly service: number;
  readonly key: ScheduleKey = {
    family: 4,
    client: new Uint32Array(4),
    clientPort: 0,
    destination: new Uint32Array(4),
    destinationPort: 80,
    nowSec: 1000,
  };
  #scheduler: Scheduler;
  #nextSlot: number;
  readonly #freeSlots: number[] = [];
  readonly #slots = new Map<string, number>();
  readonly #names = new Map<number, string>();
  readonly #thresholds = new Map<number, Thresholds>();

  constructor(scheduler: string, options: BenchOptions = {}) {
    this.columns = options.columns ?? createSchedulerColumns();
    this.service = options.service ?? 0;
    this.#nextSlot = options.firstServer ?? 0;
    this.columns.services.schedulerFlags[this.service] = options.flags ?? 0;
    this.#scheduler = SCHEDULERS[schedulerNumber(scheduler)];
    this.#scheduler.bind(this.columns, this.service);
  }

  /** Binds another scheduler, or the same one afresh. */
  rebind(scheduler: string): this {
    this.#scheduler.unbind?.(this.columns, this.service);
    this.#scheduler = SCHEDULERS[schedulerNumber(scheduler)];
    this.#scheduler.bind(this.columns, this.service);
    return this;
  }

  unbind(): void {
    this.#scheduler.unbind?.(this.columns, this.service);
  }

  tick(nowSec: number): void {
    this.#scheduler.tick?.(this.columns, this.service, nowSec);
  }

  /** `-a`: in front of the list. */
  add(name: string, options: ServerOptions = {}): this {
    const { services, servers } = this.columns;
    const known = this.#slots.get(name);
    const slot = known ?? this.#freeSlots.pop() ?? this.#nextSlot++;
    this.#slots.set(name, slot);
    this.#names.set(slot, name);
    if (known === undefined) {
      servers.active[slot] = 0;
      servers.inactive[slot] = 0;
      servers.lastWeight[slot] = 0;
    }
    const address = parseIp(options.address ?? `10.0.0.${slot + 1}`)!;
    servers.family[slot] = address.family;
    servers.address.set(address.words, slot * 4);
    servers.port[slot] = options.port ?? 80;
    servers.flags[slot] = ServerFlag.AVAILABLE;
    this.#set(slot, options);
    const head = services.head[this.service];
    servers.next[slot] = head;
    servers.previous[slot] = NONE;
    if (head !== NONE) servers.previous[head] = slot;
    services.head[this.service] = slot;
    services.serverCount[this.service]++;
    this.#scheduler.serverAdded?.(this.columns, this.service, slot);
    return this;
  }

  /** `-e`: what is not given goes to its default, as with ipvsadm. */
  edit(name: string, options: ServerOptions): this {
    const slot = this.slot(name);
    this.#set(slot, options);
    this.#scheduler.serverEdited?.(this.columns, this.service, slot);
    return this;
  }

  /** `-d` */
  delete(name: string): this {
    const { services, servers } = this.columns;
    const slot = this.slot(name);
    servers.flags[slot] &= ~ServerFlag.AVAILABLE;
    const previous = servers.previous[slot];
    const next = servers.next[slot];
    if (previous === NONE) services.head[this.service] = next;
    else servers.next[previous] = next;
    if (next !== NONE) servers.previous[next] = previous;
    services.serverCount[this.service]--;
    this.#scheduler.serverDeleted?.(this.columns, this.service, slot);
    return this;
  }

  /** Frees the slot of a deleted realserver: the next one that is added gets it. */
  forget(name: string): this {
    const slot = this.slot(name);
    this.columns.servers.generation[slot]++;
    this.#slots.delete(name);
    this.#freeSlots.push(slot);
    return this;
  }

  /** Whose client connects next. */
  from(address: string, port = 0): this {
    const { family, words } = parseIp(address)!;
    this.key.family = family;
    this.key.client.set(words);
    this.key.clientPort = port;
    return this;
  }

  /** Which address it speaks to. */
  to(address: string): this {
    const { family, words } = parseIp(address)!;
    this.key.family = family;
    this.key.destination.set(words);
    return this;
  }

  /** The scheduler's answer, uncounted: a name, or REFUSED. */
  choose(): string {
    const slot = this.#scheduler.schedule(this.columns, this.service, this.key);
    return slot === NONE ? REFUSED : this.#names.get(slot)!;
  }

  /** Chooses and counts a connection, inactive until it is established. */
  bindConnection(): string {
    const name = this.choose();
    if (name === REFUSED) return name;
    const slot = this.slot(name);
    this.columns.servers.inactive[slot]++;
    const { upper } = this.#thresholds.get(slot)!;
    if (upper !== 0 && this.#total(slot) >= upper) this.columns.servers.flags[slot] |= ServerFlag.OVERLOADED;
    return name;
  }

  /** A TCP connection that is established at once. */
  connect(): string {
    const name = this.bindConnection();
    if (name !== REFUSED) {
      this.columns.servers.inactive[this.slot(name)]--;
      this.columns.servers.active[this.slot(name)]++;
    }
    return name;
  }

  /** The names of so many `connect` calls. */
  connects(count: number): string {
    return Array.from({ length: count }, () => this.connect()).join(" ");
  }

  /** The names of so many `choose` calls. */
  chooses(count: number): string {
    return Array.from({ length: count }, () => this.choose()).join(" ");
  }

  /** An active connection ends: inactive from now on. */
  close(name: string): this {
    this.columns.servers.active[this.slot(name)]--;
    this.columns.servers.inactive[this.slot(name)]++;
    return this;
  }

  /** An inactive or active connection stops counting. */
  expire(name: string, column: "active" | "inactive" = "inactive"): this {
    const slot = this.slot(name);
    this.columns.servers[column][slot]--;
    this.#clearOverload(slot);
    return this;
  }

  /** Sets or clears a flag from outside. */
  flag(name: string, flag: number, isSet = true): this {
    const { flags } = this.columns.servers;
    if (isSet) flags[this.slot(name)] |= flag;
    else flags[this.slot(name)] &= ~flag;
    return this;
  }

  slot(name: string): number {
    const slot = this.#slots.get(name);
    if (slot === undefined) throw new Error(`no realserver ${name}`);
    return slot;
  }

  nameOf(slot: number): string {
    return this.#names.get(slot) ?? REFUSED;
  }

  /** The names of the realservers in list order. */
  members(): readonly string[] {
    const names: string[] = [];
    const { services, servers } = this.columns;
    for (let slot = services.head[this.service]; slot !== NONE; slot = servers.next[slot]) {
      names.push(this.nameOf(slot));
    }
    return names;
  }

  #set(slot: number, { weight = 1, upperThreshold = 0, lowerThreshold = 0 }: ServerOptions): void {
    const { servers } = this.columns;
    servers.weight[slot] = weight;
    if (weight !== 0) servers.lastWeight[slot] = weight;
    this.#thresholds.set(slot, { upper: upperThreshold, lower: lowerThreshold });
    if (upperThreshold !== 0 && this.#total(slot) >= upperThreshold) {
      servers.flags[slot] |= ServerFlag.OVERLOADED;
    } else {
      this.#clearOverload(slot);
    }
  }

  #clearOverload(slot: number): void {
    const { upper, lower } = this.#thresholds.get(slot)!;
    const total = this.#total(slot);
    const isBelow = lower !== 0 ? total < lower : upper === 0 || total * 4 < upper * 3;
    if (isBelow) this.columns.servers.flags[slot] &= ~ServerFlag.OVERLOADED;
  }

  #total(slot: number): number {
    return this.columns.servers.active[slot] + this.columns.servers.inactive[slot];
  }
}

/** The pool of the reference's examples: A 4, B 3, C 2, added in this order, so that the list is C, B, A. */
export function benchABC(scheduler: string, options: BenchOptions = {}): SchedulerBench {
  return new SchedulerBench(scheduler, options)
    .add("A", { weight: 4 })
    .add("B", { weight: 3 })
    .add("C", { weight: 2 });
}
