/** What follows the record of services, and is told of every change. */
export interface Followers {
  /** After a change of the record, also of one that failed half-way. */
  recordChanged(): Promise<void>;
  /** After every change, the record's or another. */
  changed(): void;
}

/** The queue of changes: they are made one at a time, in the order in which they were asked for. */
export class Changes {
  readonly #followers: Followers;
  /** The end of the queue. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(followers: Followers) {
    this.#followers = followers;
  }

  /** A change of the record. */
  change<Result>(change: () => Promise<Result>): Promise<Result> {
    return this.serially(async () => {
      try {
        return await change();
      } finally {
        await this.#followers.recordChanged();
      }
    });
  }

  /** A change of anything else. */
  serially<Result>(change: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(change);
    this.#last = result.catch(() => {}).then(() => this.#followers.changed());
    return result;
  }
}
