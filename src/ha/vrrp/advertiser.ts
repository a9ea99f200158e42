/** Sends the advertisements of one instance, and counts and tells those that are not sent. */
import type { RateLimitedLog } from "../../metrics/rate-limited-log.js";
import { type Authentication, PRIORITY_LEAVING } from "./codec.js";
import type { Counters } from "./counters.js";
import { Outbox, type Outgoing } from "./outgoing.js";
import type { InstanceSettings } from "./settings.js";
import type { AdvertTransport } from "./transport.js";

/** What is sent, counted and told with. */
export interface AdvertiserParts {
  /** Undefined: there is none to send by now. */
  readonly transport: () => AdvertTransport | undefined;
  readonly counters: Counters;
  readonly warnings: RateLimitedLog;
}

/** See the file's head. */
export class Advertiser {
  readonly #name: string;
  readonly #parts: AdvertiserParts;
  readonly #outbox: Outbox;
  /** The next advertisement, where it was made beforehand. */
  #prepared: readonly Outgoing[] | undefined;

  constructor(
    settings: InstanceSettings,
    authentication: Authentication | undefined,
    parts: AdvertiserParts,
  ) {
    this.#name = settings.name;
    this.#parts = parts;
    this.#outbox = new Outbox(settings, authentication);
  }

  /** Makes the advertisement that is sent next, so that no time passes then. */
  prepare(source: string, priority: number): void {
    this.#prepared = this.#outbox.messages(source, priority);
  }

  send(source: string, priority: number): void {
    const messages = this.#prepared ?? this.#outbox.messages(source, priority);
    this.#prepared = undefined;
    const { transport, counters, warnings } = this.#parts;
    for (const { destination, message } of messages) {
      const errno = transport()?.send(destination, message);
      if (errno === undefined) {
        counters.advert_sent++;
        if (priority === PRIORITY_LEAVING) counters.pri_zero_sent++;
      } else {
        counters.advert_send_err++;
        const reason = `send ${errno}`;
        warnings.warn(reason, () => ({
          fields: { reason },
          message: `vrrp ${this.#name}: an advertisement to ${destination} was not sent: ${errno}`,
        }));
      }
    }
  }

  /** What somebody else would have to send to say that this director has left. */
  farewell(source: string): Outgoing[] {
    return this.#outbox.farewell(source);
  }
}
