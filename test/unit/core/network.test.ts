import assert from "node:assert/strict";
import { test } from "node:test";
import { formatNetwork, parseNetwork } from "../../../src/core/network.js";

const canonical = (text: string): string | undefined => {
  const network = parseNetwork(text);
  return network && formatNetwork(network);
};

test("a network is its address with the bits behind its length cleared", () => {
  for (const [text, expected] of [
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["10.1.2.3/8", "10.0.0.0/8"],
    ["192.0.2.255/31", "192.0.2.254/31"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["fd77::1/16", "fd77::/16"],
    ["2001:DB8::ffff/126", "2001:db8::fffc/126"],
    ["::/0", "::/0"],
  ]) {
    assert.equal(canonical(text), expected);
  }
});

test("an address is a network of one", () => {
  assert.equal(canonical("192.0.2.1"), "192.0.2.1/32");
  assert.equal(canonical("fd77::1"), "fd77::1/128");
});

test("its mask has a word for each 32 bits", () => {
  assert.deepEqual(parseNetwork("10.0.0.0/8")?.mask, [0xff000000, 0, 0, 0]);
  assert.deepEqual(parseNetwork("fd77::/33")?.mask, [0xffffffff, 0x80000000, 0, 0]);
  assert.deepEqual(parseNetwork("::1")?.mask, [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff]);
});

test("what is none is not understood", () => {
  for (const text of [
    "",
    "10.0.0.0/33",
    "fd77::/129",
    "10.0.0.0/",
    "10.0.0/8",
    "10.0.0.0/8/8",
    "a/8",
    "/8",
  ]) {
    assert.equal(parseNetwork(text), undefined, text);
  }
});
