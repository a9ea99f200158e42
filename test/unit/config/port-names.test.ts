import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createPortLookup } from "../../../src/config/port-names.js";

test("names, aliases and protocols are found in the file, and its comments are not", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "uvs-services-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "services");
  writeFileSync(file, "# services\nshop\t\t7001/tcp store  # till\nshop 7002/udp\nbroken\nhttp 81/tcp\n");
  const portOf = createPortLookup(file);
  assert.equal(portOf("shop", "tcp"), 7001);
  assert.equal(portOf("store", "tcp"), 7001);
  assert.equal(portOf("shop", "udp"), 7002);
  assert.equal(portOf("till", "tcp"), undefined);
  assert.equal(portOf("broken", "tcp"), undefined);
  assert.equal(portOf("http", "tcp"), 81);
});

test("without the file the common names are known, and others are not", () => {
  const portOf = createPortLookup("/nonexistent/services");
  assert.equal(portOf("http", "tcp"), 80);
  assert.equal(portOf("https", "tcp"), 443);
  assert.equal(portOf("postgresql", "tcp"), 5432);
  assert.equal(portOf("constructor", "tcp"), undefined);
});
