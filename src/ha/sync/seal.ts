/**
 * Messages of a proven session: JSON, then HMAC-SHA256 over a sequence number and the JSON, with the key of the direction.
 * The sequence number is not sent: both sides count. What was changed, left out, repeated or put in breaks the session.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { UvsError } from "../../core/errors.js";
import { parseObject, type SessionKeys } from "./handshake.js";

const TAG_BYTES = 32;

/** A message: an object with a kind. What else it has is for those who know the kind to check. */
export interface SyncMessage {
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** Both directions of one session. */
export class Seal {
  readonly #keys: SessionKeys;
  #sent = 0n;
  #received = 0n;

  constructor(keys: SessionKeys) {
    this.#keys = keys;
  }

  /** @returns the parts of the frame that carries the message */
  close(message: SyncMessage): readonly Uint8Array[] {
    const body = Buffer.from(JSON.stringify(message));
    return [body, tag(this.#keys.sending, this.#sent++, body)];
  }

  /** @throws UvsError PERMISSION where the frame is not the peer's next one, INVALID where it is no message */
  open(frame: Buffer): SyncMessage {
    const body = frame.subarray(0, Math.max(0, frame.length - TAG_BYTES));
    const found = frame.subarray(body.length);
    const expected = tag(this.#keys.receiving, this.#received++, body);
    if (found.length !== TAG_BYTES || !timingSafeEqual(found, expected)) {
      throw new UvsError("PERMISSION", "a message is not the peer's, or not its next one");
    }
    const message = parseObject(body);
    if (typeof message["kind"] !== "string") throw new UvsError("INVALID", "a message has no kind");
    return message as unknown as SyncMessage;
  }
}

function tag(key: Buffer, sequence: bigint, body: Buffer): Buffer {
  const counter = Buffer.allocUnsafe(8);
  counter.writeBigUInt64BE(sequence);
  return createHmac("sha256", key).update(counter).update(body).digest();
}
