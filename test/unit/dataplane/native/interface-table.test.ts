/** Against the kernel, with requests that change nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { InterfaceTable } from "../../../../src/dataplane/native/interface-table.js";
import { loadLibc } from "../../../../src/dataplane/native/libc.js";

function withTable(use: (table: InterfaceTable) => void): void {
  const table = new InterfaceTable(loadLibc());
  try {
    use(table);
  } finally {
    table.close();
  }
}

test("an interface is told with its addresses, and one that is not there is left out", () =>
  withTable((table) => {
    const found = table.look(["lo", "none0"]);
    assert.deepEqual(
      found.map(({ name, isUp }) => [name, isUp]),
      [["lo", true]],
    );
    assert.ok(found[0].addresses.includes("127.0.0.1"));
  }));

test("what the kernel refuses is told by its errno, and the next answer is the next one's", () =>
  withTable((table) => {
    const held = { address: "192.0.2.77", prefix: 32, interface: "lo" };
    assert.match(table.remove(held) ?? "", process.getuid?.() === 0 ? /^(EADDRNOTAVAIL|EPERM)$/ : /^EPERM$/);
    assert.equal(table.remove({ ...held, interface: "none0" }), "ENODEV");
    assert.equal(table.add({ ...held, interface: "none0" }), "ENODEV");
    assert.equal(table.look(["lo"]).length, 1);
  }));
