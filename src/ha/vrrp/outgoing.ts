/** The advertisements that an instance sends: to the group or to each peer, signed where that is asked for. */
import { type Authentication, encode, MULTICAST_GROUP, PRIORITY_LEAVING } from "./codec.js";
import { type Sequence, signTrailer } from "./hmac-trailer.js";
import type { InstanceSettings } from "./settings.js";

/** A message, and where it goes. */
export interface Outgoing {
  readonly destination: string;
  readonly message: Uint8Array;
}

/** How long a farewell that was made beforehand is later than what is sent. */
export const FAREWELL_VALID_MS = 2000;

const NEVER: Sequence = { seconds: 0, fraction: 0, counter: 0 };

/** Makes the messages of one instance. */
export class Outbox {
  readonly #settings: InstanceSettings;
  readonly #authentication: Authentication | undefined;
  readonly #destinations: readonly string[];
  #last: Sequence = NEVER;

  constructor(settings: InstanceSettings, authentication: Authentication | undefined) {
    this.#settings = settings;
    this.#authentication = authentication;
    this.#destinations = settings.unicast?.peers.map(({ address }) => address) ?? [
      MULTICAST_GROUP[settings.family],
    ];
  }

  /** The advertisement of a priority, once for each destination. */
  messages(source: string, priority: number): Outgoing[] {
    this.#last = this.#next(0);
    return this.#sign(source, priority, this.#last);
  }

  /**
   * What says that this director has left, to be kept by somebody else for as long as `FAREWELL_VALID_MS`: what is signed
   * is later than all that is sent until then.
   */
  farewell(source: string): Outgoing[] {
    return this.#sign(source, PRIORITY_LEAVING, this.#next(FAREWELL_VALID_MS));
  }

  /**
   * The sequence of what is sent `aheadMs` from now. Where the clock was set back it goes on from the last one, because an
   * earlier time is a replay to the peers; but a last one outside of their window was refused, and the clock is followed.
   */
  #next(aheadMs: number): Sequence {
    const nowMs = Date.now();
    const lastMs = this.#last.seconds * 1000;
    const wasRefused = lastMs - nowMs > (this.#settings.hmac?.windowMs ?? 0);
    return wasRefused ? next(NEVER, nowMs + aheadMs) : next(this.#last, Math.max(nowMs, lastMs) + aheadMs);
  }

  #sign(source: string, priority: number, sequence: Sequence): Outgoing[] {
    const { id: vrid, version, advertMs, addresses, checksum } = this.#settings;
    const advertisement = {
      version,
      vrid,
      priority,
      intervalCs: advertMs / 10,
      addresses,
      ...(this.#authentication && { authentication: this.#authentication }),
    };
    return this.#destinations.map((destination) => {
      const envelope = { source, destination };
      const plain = encode(advertisement, envelope, checksum);
      const trailer = this.#trailer(plain, source, sequence);
      const message = trailer === undefined ? plain : encode(advertisement, envelope, checksum, trailer);
      return { destination, message };
    });
  }

  #trailer(message: Uint8Array, source: string, sequence: Sequence): Uint8Array | undefined {
    const { hmac } = this.#settings;
    if (hmac === undefined || hmac.mode === "receive-only") return undefined;
    const key = hmac.keys.get(hmac.activeKey);
    if (key === undefined) return undefined;
    return signTrailer(message, source, hmac.activeKey, key, sequence);
  }
}

/** A time of the wall clock as a sequence, always later than the last one. */
function next(last: Sequence, nowMs: number): Sequence {
  const seconds = Math.floor(nowMs / 1000);
  const fraction = Math.floor(((nowMs % 1000) * 0x10000) / 1000);
  if (seconds > last.seconds || (seconds === last.seconds && fraction > last.fraction)) {
    return { seconds, fraction, counter: 0 };
  }
  if (last.counter < 0xffff) return { ...last, counter: last.counter + 1 };
  return last.fraction < 0xffff
    ? { seconds: last.seconds, fraction: last.fraction + 1, counter: 0 }
    : { seconds: last.seconds + 1, fraction: 0, counter: 0 };
}
