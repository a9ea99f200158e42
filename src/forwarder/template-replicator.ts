/** Keeps the primary's replica of the templates up to date: asks the forwarder for changes, as long as there may be some. */
import { NOTHING_READ, type TemplateBatch, type TemplatePosition } from "../balancer/template-stream.js";
import type { TemplateReplica } from "./template-replica.js";

/** A forwarder that dies loses no older templates than this. */
const PERIOD_MS = 100;

/** What a replicator is constructed with. */
export interface ReplicatorOptions {
  readonly replica: TemplateReplica;
  /** What has changed since; undefined: nobody can say now. */
  readonly ask: (position: TemplatePosition) => Promise<TemplateBatch | undefined>;
  /** Whether any service is persistent. */
  readonly isWanted: () => boolean;
  /** The replica knows what the forwarder knew. */
  readonly onPulled?: () => void;
}

/** See the file's head. */
export class TemplateReplicator {
  readonly #options: ReplicatorOptions;
  #position: TemplatePosition = NOTHING_READ;
  #timer: NodeJS.Timeout | undefined;
  #pulling: Promise<void> | undefined;

  constructor(options: ReplicatorOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => {
      const { replica, isWanted } = this.#options;
      if (this.#pulling === undefined && (isWanted() || replica.count > 0)) void this.pull();
    }, PERIOD_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Resolves when the replica knows what the forwarder knew when this was called, or cannot know it. */
  async pull(): Promise<void> {
    await this.#pulling;
    this.#pulling = this.#pullAll();
    await this.#pulling;
  }

  async #pullAll(): Promise<void> {
    try {
      for (let hasMore = true; hasMore; ) {
        const batch = await this.#options.ask(this.#position);
        if (batch === undefined) break;
        this.#options.replica.apply(batch, true);
        this.#position = batch.position;
        hasMore = batch.hasMore;
      }
      this.#options.onPulled?.();
    } catch {
      // The forwarder died: the next one is asked in its time.
    } finally {
      this.#pulling = undefined;
    }
  }
}
