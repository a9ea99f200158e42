import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { SocketAddress } from "../../../../src/dataplane/native/sockaddr.js";

const word = fc.nat(0xffffffff);
const port = fc.nat(65535);

function inPlainMemory(): { address: SocketAddress; bytes: () => string } {
  const buffer = new ArrayBuffer(32);
  const address = new SocketAddress({ allocate: () => ({ buffer, address: 0x1000 }) });
  return { address, bytes: () => Buffer.from(buffer).toString("hex") };
}

describe("a socket address", () => {
  test("of IPv4 is a sockaddr_in: family in host order, port and address in network order", () => {
    const { address, bytes } = inPlainMemory();
    assert.equal(address.encode(4, [0xc0000201, 0, 0, 0], 8080), 16);
    assert.equal(bytes().slice(0, 32), "02001f90c00002010000000000000000");
  });

  test("of IPv6 is a sockaddr_in6 without flow and scope, whatever was there before", () => {
    const { address, bytes } = inPlainMemory();
    address.encode(4, [0xffffffff, 0, 0, 0], 1);
    assert.equal(address.encode(6, [0x20010db8, 0, 0, 0x00000001], 443), 28);
    assert.equal(bytes().slice(0, 56), "0a0001bb0000000020010db800000000000000000000000100000000");
  });

  test("is decoded to what was encoded", () => {
    const { address } = inPlainMemory();
    fc.assert(
      fc.property(fc.constantFrom(4, 6), fc.tuple(word, word, word, word), port, (family, words, number) => {
        const expected = family === 4 ? [words[0], 0, 0, 0] : words;
        address.encode(family, words, number);
        const decoded = new Uint32Array(6).fill(9);
        address.decode(decoded, 1);
        assert.deepEqual([...decoded], [9, ...expected, 9]);
        assert.equal(address.family, family);
        assert.equal(address.port, number);
      }),
    );
  });
});
