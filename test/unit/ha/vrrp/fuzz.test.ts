/**
 * Mutations of the recorded packets (reference: ha.md §13) against the decoder and running masters. UVS_FUZZ_PACKETS says how
 * many (a quick run by default); UVS_FUZZ_SEED repeats a run.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, type Envelope, encode } from "../../../../src/ha/vrrp/codec.js";
import { DROP_REASONS } from "../../../../src/ha/vrrp/drop-reasons.js";
import { Instance } from "../../../../src/ha/vrrp/instance.js";
import { Receiver } from "../../../../src/ha/vrrp/receive.js";
import type { InstanceSettings } from "../../../../src/ha/vrrp/settings.js";
import type { ReceivedPacket } from "../../../../src/ha/vrrp/transport.js";
import { FakeTimers } from "../../../helpers/fake-timers.js";
import { mutate, random } from "../../../helpers/mutation.js";
import { RecordingHolder } from "../../../helpers/recording-holder.js";
import { RecordingLogger } from "../../../helpers/recording-logger.js";

const PACKETS = Number(process.env["UVS_FUZZ_PACKETS"] ?? 50_000);
const SEED = Number(process.env["UVS_FUZZ_SEED"] ?? Date.now() % 0x7fffffff);

const V4: Envelope = { source: "10.79.0.1", destination: "224.0.0.18" };
const HMAC_SENDER: Envelope = { source: "198.51.100.10", destination: "224.0.0.18" };
const V6: Envelope = { source: "fe80::79:ff:fe00:1", destination: "ff02::12" };
const SETTINGS: InstanceSettings = {
  name: "vi",
  interface: "eth0",
  id: 51,
  version: 3,
  family: 4,
  priority: 254,
  advertMs: 1000,
  addresses: [],
};
const HMAC_KEY = Uint8Array.from({ length: 32 }, (_, i) => i);

/** A recorded packet, and a director for which it is meant. */
interface Seed {
  readonly packet: Uint8Array;
  readonly envelope: Envelope;
  readonly settings: InstanceSettings;
}

function seed(hex: string, envelope: Envelope, settings: Partial<InstanceSettings>): Seed {
  return { packet: Buffer.from(hex, "hex"), envelope, settings: { ...SETTINGS, ...settings } };
}

const SEEDS: readonly Seed[] = [
  seed("213396020101c4e30a4f00640a4f00657365637265743132", V4, {
    version: 2,
    password: "secret12",
    addresses: ["10.79.0.100", "10.79.0.101"],
  }),
  seed("31347801001961150a4f006e", V4, { id: 52, advertMs: 250, addresses: ["10.79.0.110"] }),
  seed("3134780100194bf40a4f006e", V4, { id: 52, advertMs: 250, addresses: ["10.79.0.110"] }),
  seed("3133c80100644402c00002640101000068000000800000001b84bc4e8e43892dc6d98448f8ee2265", HMAC_SENDER, {
    addresses: ["192.0.2.100"],
    hmac: { keys: new Map([[1, HMAC_KEY]]), activeKey: 1, mode: "enforce", windowMs: 5000 },
  }),
  seed("313582020032524dfe800000000000000000000000000053fd790000000000000000000000000053", V6, {
    id: 53,
    family: 6,
    advertMs: 500,
    addresses: ["fe80::53", "fd79::53"],
  }),
];

test(`${PACKETS} mutated packets are decoded or dropped for a named reason (seed ${SEED})`, () => {
  const next = random(SEED);
  const counts = new Map<string, number>();
  const receivers = SEEDS.map(({ settings }) => new Receiver(settings, undefined));
  const note = (kind: string): void => void counts.set(kind, (counts.get(kind) ?? 0) + 1);
  for (let i = 0; i < PACKETS; i++) {
    const which = next(SEEDS.length);
    const { packet, envelope } = SEEDS[which];
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
    const checked = receivers[which].check(received, "10.79.0.2");
    note(typeof checked === "string" ? checked : "accepted");
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  assert.equal(total, PACKETS, "each is counted once");
  for (const reason of ["packet_len_err", "checksum_err", "version_err", "ip_ttl_err", "invalid_type_rcvd"]) {
    assert.ok((counts.get(reason) ?? 0) > 0, `seed ${SEED}: ${reason} did not occur`);
  }
});

test(`${PACKETS} mutated packets change nothing at a master that drops them (seed ${SEED})`, async () => {
  const next = random(SEED ^ 0x5eed);
  const timers = new FakeTimers();
  const masters = SEEDS.map(({ settings }) => master(settings, timers));
  await timers.advance(4000);
  let dropped = 0;
  for (let i = 0; i < PACKETS; i++) {
    const which = next(SEEDS.length);
    const { packet, envelope } = SEEDS[which];
    const { instance, holder, deliver } = masters[which];
    // One that an accepted packet has made a backup becomes master again.
    if (instance.state !== "MASTER") await timers.advance(4000);
    const payload = mutate(packet, next);
    const before = instance.status();
    const calls = holder.calls.length;
    deliver({ ...envelope, isMulticast: true, hopLimit: next(20) === 0 ? next(256) : 255, payload });
    const after = instance.status();
    if (after.counters["advert_rcvd"] !== before.counters["advert_rcvd"]) continue;
    dropped++;
    const where = `seed ${SEED}: ${Buffer.from(payload).toString("hex")}`;
    assert.deepEqual([after.state, after.transitions], ["MASTER", before.transitions], where);
    assert.equal(holder.calls.length, calls, where);
  }
  assert.ok(dropped > PACKETS / 2, `seed ${SEED}: ${dropped} were dropped`);
  for (const { instance } of masters) await instance.stop();
});

/** A director that is started; what it hears is handed to it. */
function master(settings: InstanceSettings, timers: FakeTimers) {
  const holder = new RecordingHolder();
  const own = settings.family === 4 ? "10.79.0.2" : "fe80::2";
  let deliver: (packet: ReceivedPacket) => void = () => {};
  const instance = new Instance(settings, {
    timers,
    holder,
    logger: new RecordingLogger(),
    openTransport: (onPacket) => {
      deliver = onPacket;
      return { source: own, refresh: () => {}, send: () => undefined, drain: () => {}, close: () => {} };
    },
  });
  instance.start();
  return { instance, holder, deliver };
}
