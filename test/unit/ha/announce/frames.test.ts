/** The recorded frames (reference: ha.md §13.4, §13.5). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gratuitousArp, unsolicitedAdvertisement } from "../../../../src/ha/announce/frames.js";

const HARDWARE = Uint8Array.of(0x02, 0x79, 0, 0, 0, 1);
const VIRTUAL = Uint8Array.of(0, 0, 0x5e, 0, 1, 0x37);
const hex = (frame: Uint8Array): string => Buffer.from(frame).toString("hex");

test("a gratuitous ARP is the recorded one", () => {
  assert.equal(
    hex(gratuitousArp(HARDWARE, "10.79.0.100")),
    "ffffffffffff0279000000010806" + "0001080006040001" + "0279000000010a4f0064" + "ffffffffffff0a4f0064",
  );
});

test("a gratuitous ARP from a virtual MAC is the recorded one", () => {
  assert.equal(
    hex(gratuitousArp(VIRTUAL, "10.79.0.130")),
    "ffffffffffff00005e0001370806" + "0001080006040001" + "00005e0001370a4f0082" + "ffffffffffff0a4f0082",
  );
});

const ADVERTISEMENT = (ip: string, checksum: string, flags: string): string =>
  `333300000001027900000001${"86dd"}6000000000203aff${ip}ff020000000000000000000000000001` +
  `8800${checksum}${flags}${ip}0201027900000001`;

test("an unsolicited advertisement of a link-local address is the recorded one", () => {
  assert.equal(
    hex(unsolicitedAdvertisement(HARDWARE, "fe80::53", false)),
    ADVERTISEMENT("fe800000000000000000000000000053", "567e", "20000000"),
  );
});

test("an unsolicited advertisement of a global address is the recorded one", () => {
  assert.equal(
    hex(unsolicitedAdvertisement(HARDWARE, "fd79::53", false)),
    ADVERTISEMENT("fd790000000000000000000000000053", "588c", "20000000"),
  );
});

test("an interface that forwards says that it is a router", () => {
  assert.equal(unsolicitedAdvertisement(HARDWARE, "fd79::53", true)[58], 0xa0);
});
