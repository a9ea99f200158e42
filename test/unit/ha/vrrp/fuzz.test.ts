/**
 * Mutated packets against the decoder and a running pair. UVS_FUZZ_PACKETS says how many (a quick run by default);
 * UVS_FUZZ_SEED repeats a run.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Advertisement,
  decode,
  type Envelope,
  encode,
  passwordAuthentication,
} from "../../../../src/ha/vrrp/codec.js";
import { DROP_REASONS } from "../../../../src/ha/vrrp/drop-reasons.js";
import { Receiver } from "../../../../src/ha/vrrp/receive.js";
import type { InstanceSettings } from "../../../../src/ha/vrrp/settings.js";
import { mutate, random } from "../../../helpers/mutation.js";

const PACKETS = Number(process.env["UVS_FUZZ_PACKETS"] ?? 50_000);
const SEED = Number(process.env["UVS_FUZZ_SEED"] ?? Date.now() % 0x7fffffff);

const V4: Envelope = { source: "10.79.0.1", destination: "224.0.0.18" };
const V6: Envelope = { source: "fe80::1", destination: "ff02::12" };
const ADVERT: Advertisement = {
  version: 3,
  vrid: 51,
  priority: 150,
  intervalCs: 100,
  addresses: ["10.79.0.100", "10.79.0.101"],
};
const SEEDS: readonly { readonly packet: Uint8Array; readonly envelope: Envelope }[] = [
  { packet: encode(ADVERT, V4), envelope: V4 },
  { packet: encode(ADVERT, V4, "message-only"), envelope: V4 },
  {
    packet: encode({ ...ADVERT, version: 2, authentication: passwordAuthentication("secret12") }, V4),
    envelope: V4,
  },
  { packet: encode({ ...ADVERT, addresses: ["fe80::53", "fd79::53"] }, V6), envelope: V6 },
];
const SETTINGS: InstanceSettings = {
  name: "vi",
  interface: "eth0",
  id: 51,
  version: 3,
  family: 4,
  priority: 100,
  advertMs: 1000,
  addresses: [...ADVERT.addresses],
};

test(`${PACKETS} mutated packets are decoded or dropped for a named reason (seed ${SEED})`, () => {
  const next = random(SEED);
  const counts = new Map<string, number>();
  const receiver = new Receiver(SETTINGS, undefined);
  const note = (kind: string): void => void counts.set(kind, (counts.get(kind) ?? 0) + 1);
  for (let i = 0; i < PACKETS; i++) {
    const { packet, envelope } = SEEDS[next(SEEDS.length)];
    const payload = mutate(packet, next);
    const decoded = decode(payload, envelope);
    if (typeof decoded === "string") {
      assert.ok(decoded in DROP_REASONS, `seed ${SEED}: ${decoded} is no reason`);
    } else {
      // What is accepted says the same again when it is encoded; 4 bits of version 3 are reserved and may be anything.
      const again = encode(decoded.advertisement, envelope, decoded.checksumForm, decoded.trailer);
      assert.equal(again.length, payload.length, `seed ${SEED}`);
      if (decoded.advertisement.version === 2 || payload[4] < 16) {
        const where = `seed ${SEED}: ${Buffer.from(payload).toString("hex")}`;
        assert.equal(Buffer.from(again).toString("hex"), Buffer.from(payload).toString("hex"), where);
      }
    }
    const received = { ...envelope, isMulticast: true, hopLimit: next(20) === 0 ? next(256) : 255, payload };
    const checked = receiver.check(received, "10.79.0.2");
    note(typeof checked === "string" ? checked : "accepted");
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  assert.equal(total, PACKETS, "each is counted once");
  for (const reason of ["packet_len_err", "checksum_err", "version_err", "ip_ttl_err", "invalid_type_rcvd"]) {
    assert.ok((counts.get(reason) ?? 0) > 0, `seed ${SEED}: ${reason} did not occur`);
  }
});
