/**
 * How two directors prove to one another that they have the same key, without sending it:
 *
 * | frame | from     | what                                                                                   |
 * |-------|----------|----------------------------------------------------------------------------------------|
 * | 1     | dialer   | its greeting: JSON with protocol, version, node name, 32 random bytes                  |
 * | 2     | acceptor | its greeting, then HMAC(key, "acceptor", both greetings)                               |
 * | 3     | dialer   | HMAC(key, "dialer", both greetings)                                                    |
 *
 * All HMACs are HMAC-SHA256. Both sides then derive a key for each direction (HKDF, salted with both greetings), so
 * nothing that was heard in one session is worth anything in another one, nor in the other direction. Nothing is
 * encrypted. Pure: frames go in and come out.
 */
import { createHash, createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { UvsError } from "../../core/errors.js";

/** The longest frame before the peer has proven itself. */
export const MAX_GREETING_BYTES = 512;

const PROTOCOL = "uvs-sync";
const VERSION = 1;
const PROOF_BYTES = 32;
const NONCE = /^[0-9a-f]{64}$/;
/** What a node may be called: as hosts are. */
export const NODE_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

export type HandshakeRole = "dialer" | "acceptor";

/** One secret a direction. */
export interface SessionKeys {
  readonly sending: Buffer;
  readonly receiving: Buffer;
}

/** What a frame leads to. */
export interface HandshakeStep {
  /** Parts of the frame to send. */
  readonly reply?: readonly Uint8Array[];
  /** The peer has proven itself. */
  readonly done?: { readonly peer: string; readonly keys: SessionKeys };
}

/** One side of a handshake; every method throws UvsError where the peer is not to be trusted. */
export class Handshake {
  readonly #role: HandshakeRole;
  readonly #node: string;
  readonly #key: Buffer;
  readonly #own: Buffer;
  /** The dialer's greeting, then the acceptor's; set once both are known. */
  #greetings: readonly [Buffer, Buffer] | undefined;
  #peer = "";

  constructor(role: HandshakeRole, node: string, key: Buffer) {
    this.#role = role;
    this.#node = node;
    this.#key = key;
    const nonce = randomBytes(32).toString("hex");
    this.#own = Buffer.from(JSON.stringify({ protocol: PROTOCOL, version: VERSION, node, nonce }));
  }

  /** What a dialer begins with. */
  greeting(): Buffer {
    return this.#own;
  }

  /**
   * Takes the peer's next frame.
   * @throws UvsError PERMISSION where it has another key, INVALID where it speaks something else
   */
  receive(frame: Buffer): HandshakeStep {
    if (this.#role === "dialer") return this.#receiveProof(frame);
    if (this.#greetings === undefined) return this.#receiveGreeting(frame);
    this.#check("dialer", frame);
    return { done: this.#done() };
  }

  #receiveGreeting(frame: Buffer): HandshakeStep {
    this.#peer = this.#readGreeting(frame);
    this.#greetings = [Buffer.from(frame), this.#own];
    return { reply: [this.#own, this.#proof("acceptor")] };
  }

  #receiveProof(frame: Buffer): HandshakeStep {
    if (frame.length <= PROOF_BYTES) throw new UvsError("INVALID", "the peer's greeting is cut off");
    const theirs = Buffer.from(frame.subarray(0, -PROOF_BYTES));
    this.#peer = this.#readGreeting(theirs);
    this.#greetings = [this.#own, theirs];
    this.#check("acceptor", frame.subarray(-PROOF_BYTES));
    return { reply: [this.#proof("dialer")], done: this.#done() };
  }

  #readGreeting(frame: Buffer): string {
    const { protocol, version, node, nonce } = parseObject(frame);
    if (protocol !== PROTOCOL) throw new UvsError("INVALID", "the peer is no director that shares templates");
    if (version !== VERSION) {
      throw new UvsError("INVALID", `the peer speaks version ${printable(version)}, accepted is ${VERSION}`);
    }
    if (typeof node !== "string" || !NODE_NAME.test(node)) {
      throw new UvsError("INVALID", `the peer's node name ${printable(node)} is none`);
    }
    if (typeof nonce !== "string" || !NONCE.test(nonce)) {
      throw new UvsError("INVALID", "the peer's greeting has no random part");
    }
    if (node === this.#node) {
      throw new UvsError(
        "INVALID",
        `the peer calls itself ${node}, as this director does: each needs its own name`,
      );
    }
    return node;
  }

  #check(role: HandshakeRole, proof: Buffer): void {
    const expected = this.#proof(role);
    if (proof.length === PROOF_BYTES && timingSafeEqual(proof, expected)) return;
    throw new UvsError("PERMISSION", `the peer (${this.#peer}) has another key`);
  }

  #proof(role: HandshakeRole): Buffer {
    return createHmac("sha256", this.#key)
      .update(`${PROTOCOL} ${VERSION} ${role}`)
      .update(this.#transcript())
      .digest();
  }

  /** Of fixed length, so that no two pairs of greetings look the same. */
  #transcript(): Buffer {
    const hashes = (this.#greetings ?? []).map((greeting) => createHash("sha256").update(greeting).digest());
    return Buffer.concat(hashes);
  }

  #done(): { peer: string; keys: SessionKeys } {
    const salt = this.#transcript();
    const keyOf = (sender: HandshakeRole): Buffer =>
      Buffer.from(hkdfSync("sha256", this.#key, salt, `${PROTOCOL} ${VERSION} from ${sender}`, 32));
    const [dialer, acceptor] = [keyOf("dialer"), keyOf("acceptor")];
    const keys =
      this.#role === "dialer"
        ? { sending: dialer, receiving: acceptor }
        : { sending: acceptor, receiving: dialer };
    return { peer: this.#peer, keys };
  }
}

/** Reads a JSON object. @throws UvsError INVALID */
export function parseObject(bytes: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    throw new UvsError("INVALID", "the peer sent something that is not JSON");
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new UvsError("INVALID", "the peer sent JSON that is no object");
}

/** Something that came over the wire, for a message: short and without control characters. */
function printable(value: unknown): string {
  return (JSON.stringify(value) ?? "(none)").slice(0, 80);
}
