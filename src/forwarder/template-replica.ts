/**
 * The primary's copy of the forwarder's persistence templates: what a new generation begins with when one has died, what
 * the journal keeps, what a peer is sent. It is a table as the forwarder's own, with names instead of slots, and is fed by
 * the stream of changes; it is read in the same way, so every reader has a position of its own.
 */
import { TICKS_PER_SEC } from "../balancer/columns.js";
import { createTemplates, type TemplateColumns } from "../balancer/template-columns.js";
import { TemplateFeed } from "../balancer/template-feed.js";
import { TemplateKeeper } from "../balancer/template-keeper.js";
import { TemplateSink } from "../balancer/template-sink.js";
import { NOTHING_READ, type TemplateBatch, type TemplatePosition } from "../balancer/template-stream.js";
import { VirtualNames } from "../balancer/virtual-names.js";
import type { Clock } from "../core/clock.js";

/** How many of each the replica is made for. */
export interface ReplicaSizes {
  readonly templates: number;
  readonly services: number;
  readonly realservers: number;
}

/** Stands between a service's key and a realserver's in the name of the pair; neither has blanks. */
const BETWEEN = " ";

/** See the file's head. */
export class TemplateReplica {
  readonly #columns: TemplateColumns;
  readonly #persistent: Int32Array;
  readonly #virtuals: VirtualNames;
  readonly #servers: VirtualNames;
  readonly #feed: TemplateFeed;
  readonly #sink: TemplateSink;
  readonly #keeper: TemplateKeeper;
  readonly #clock: Clock;
  readonly #startMs: number;

  constructor(sizes: ReplicaSizes, clock: Clock) {
    this.#clock = clock;
    this.#startMs = clock.nowMs();
    // Twice, as names stay for as long as there are templates, also of what was deleted.
    this.#columns = createTemplates(sizes.templates, sizes.services * 2);
    this.#persistent = new Int32Array(sizes.realservers * 2);
    this.#virtuals = new VirtualNames(sizes.services * 2);
    this.#servers = new VirtualNames(sizes.realservers * 2);
    const now = (): number => this.#nowTicks();
    this.#keeper = new TemplateKeeper(this.#columns, this.#persistent, true);
    this.#feed = new TemplateFeed(
      this.#columns,
      {
        virtualKey: (virtual) => this.#virtuals.nameOf(virtual),
        serverKey: (server) => this.#servers.nameOf(server)?.split(BETWEEN)[1],
      },
      now,
    );
    this.#sink = new TemplateSink(
      this.#columns,
      this.#persistent,
      {
        virtualNumber: (key) => this.#numberOf(this.#virtuals, key, this.#columns.perVirtual),
        serverNumber: (virtual, server) =>
          this.#numberOf(this.#servers, `${virtual}${BETWEEN}${server}`, this.#persistent),
        exclusively: (_, change) => change(),
      },
      now,
      true,
    );
  }

  /** Templates that it has. */
  get count(): number {
    return this.#keeper.counts().count;
  }

  /** Changes since a position; NOTHING_READ for all. */
  read(position: TemplatePosition): TemplateBatch {
    return this.#feed.read(position);
  }

  /** Everything, batch by batch. */
  *readAll(): Iterable<TemplateBatch> {
    for (let batch = this.read(NOTHING_READ); ; batch = this.read(batch.position)) {
      yield batch;
      if (!batch.hasMore) return;
    }
  }

  /** Takes changes in. @param isLive and @param ageMs as TemplateSink.apply has them */
  apply(batch: TemplateBatch, isLive: boolean, ageMs = 0): void {
    this.#keeper.expire(this.#nowTicks());
    this.#sink.apply(batch, isLive, ageMs);
  }

  /** Takes changes of a peer in. @param winsTies as TemplateSink.merge has it */
  merge(batch: TemplateBatch, winsTies: boolean): void {
    this.#keeper.expire(this.#nowTicks());
    this.#sink.merge(batch, winsTies);
  }

  /** What open connections of this director hold, whether it has changed or not. */
  held(): Iterable<TemplateBatch> {
    return this.#feed.held();
  }

  /** Removes everything. */
  clear(): void {
    this.#keeper.removeEverything();
  }

  #nowTicks(): number {
    return Math.floor(((this.#clock.nowMs() - this.#startMs) * TICKS_PER_SEC) / 1000);
  }

  /** The number of a name; names without templates make room, and without room a name has none. */
  #numberOf(names: VirtualNames, name: string, templates: Int32Array): number | undefined {
    const known = names.find(name);
    if (known !== undefined) return known;
    if (names.isFull) names.forgetUnless((number) => templates[number] > 0);
    return names.isFull ? undefined : names.numberOf(name);
  }
}
