/** The forwarder's ends of the stream of template changes, in which slots have names. */
import { type BalancerColumns, TICKS_PER_SEC } from "../balancer/columns.js";
import type { ServiceTable } from "../balancer/service-table.js";
import { type ControlledTemplates, TemplateFeed } from "../balancer/template-feed.js";
import { TemplateSink } from "../balancer/template-sink.js";
import type { TemplateBatch, TemplatePosition } from "../balancer/template-stream.js";
import { lock, unlock } from "../core/lock.js";

/** What connections of an older generation hold stays for so long: the primary tells of it again before that. */
const OLDER_HOLD_TICKS = 20 * TICKS_PER_SEC;

/** What leaves a forwarder, what it begins with, and what peers add. */
export class TemplateExchange {
  readonly #feed: TemplateFeed;
  readonly #sink: TemplateSink;

  constructor(columns: BalancerColumns, table: ServiceTable) {
    const now = (): number => columns.clock[0];
    const locks = columns.services.lock;
    this.#feed = new TemplateFeed(
      columns.templates,
      {
        virtualKey: (virtual) => table.virtuals.nameOf(virtual),
        serverKey: (server) => table.serverAt(server)?.key,
      },
      now,
    );
    this.#sink = new TemplateSink(
      columns.templates,
      columns.servers.persistent,
      {
        virtualNumber: (key) => table.virtuals.find(key),
        serverNumber: (virtual, server) => table.serviceNamed(virtual)?.servers.get(server)?.slot,
        exclusively: (virtual, change) => {
          const service = table.serviceOfVirtual(virtual);
          if (service !== undefined) lock(locks, service.slot);
          try {
            change();
          } finally {
            if (service !== undefined) unlock(locks, service.slot);
          }
        },
      },
      now,
      false,
    );
  }

  /** What has changed since. */
  read(position: TemplatePosition): TemplateBatch {
    return this.#feed.read(position);
  }

  /** Takes what another generation knew; its connections are not this one's. */
  seed(batch: TemplateBatch): void {
    this.#sink.apply(batch, false);
  }

  /** Templates that this generation's connections control, from a row on. */
  controlled(first: number): ControlledTemplates {
    return this.#feed.controlled(first);
  }

  /** Connections of an older generation control these templates. */
  hold(batch: TemplateBatch): void {
    this.#sink.hold(batch, OLDER_HOLD_TICKS);
  }

  /** Takes what a peer knows. @param winsTies as TemplateSink.merge has it */
  merge(batch: TemplateBatch, winsTies: boolean): void {
    this.#sink.merge(batch, winsTies);
  }
}
