/** How health lets realservers stand, by realserverId of the editor. */

/** How a realserver should stand for now, whatever weight it is set to: health's word. */
export interface Standing {
  /** Effective weight. */
  readonly weight: number;
  /** False: out of the forwarder's table, as if it were deleted. */
  readonly present: boolean;
  /** Connections at once instead of the upper threshold; 0 is no limit. @default as it is set */
  readonly connectionLimit?: number;
}

/** The realservers that health watches. */
export class Standings {
  readonly #byId = new Map<string, Standing>();
  #revision = 0;

  /** A greater number whenever anything has changed. */
  get revision(): number {
    return this.#revision;
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): Standing | undefined {
    return this.#byId.get(id);
  }

  /** @param standing undefined: health does not watch it any longer */
  set(id: string, standing: Standing | undefined): void {
    if (standing === undefined) this.#byId.delete(id);
    else this.#byId.set(id, standing);
    this.#revision++;
  }

  /** Forgets all whose id begins so. */
  forget(prefix: string): void {
    for (const id of this.#byId.keys()) if (id.startsWith(prefix)) this.#byId.delete(id);
    this.#revision++;
  }
}
