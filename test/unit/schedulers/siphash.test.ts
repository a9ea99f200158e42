import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseIp } from "../../../src/core/address.js";
import { foldAddress } from "../../../src/schedulers/hash.js";
import { type SipKey, sipHash13 } from "../../../src/schedulers/siphash.js";

/** Key bytes 00 to 0f. */
const COUNTING_KEY: SipKey = [0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c];
const MH_KEY: SipKey = [2654435761, 0, 2654435761, 0];

describe("SipHash-1-3", () => {
  it("gives the kernel's values for messages 00 01 02 03 cut to 0 to 4 bytes", () => {
    const messages = [0, 0, 0x0100, 0x020100, 0x03020100];
    const hashes = messages.map((message, length) => sipHash13(COUNTING_KEY, message, length).toString(16));
    assert.deepEqual(hashes, ["50fc4dc", "7d57ca93", "4dc7d44d", "e7ddf7fb", "88d38328"]);
  });

  const clients = {
    "192.0.2.1": "92889c88",
    "192.0.2.2": "f919356d",
    "192.0.2.3": "2741364b",
    "192.0.2.4": "6edef0b",
    "192.0.2.5": "1bb86beb",
    "192.0.2.6": "ca18b40a",
    "192.0.2.7": "30d1dd25",
    "192.0.2.8": "5fa8317c",
    "198.51.100.7": "adb98ab6",
    "203.0.113.5": "67367ebc",
    "10.1.2.3": "2b298ba1",
    "2001:db8::1": "cdc3f189",
  };
  for (const [client, hash] of Object.entries(clients)) {
    it(`hashes ${client} as mh does in the kernel`, () => {
      const fold = foldAddress(Uint32Array.from(parseIp(client)!.words), 0);
      assert.equal(sipHash13(MH_KEY, fold, 4).toString(16), hash);
    });
  }
});
