import assert from "node:assert/strict";
import { test } from "node:test";
import type { TemplateStatus } from "../../../src/core/status.js";
import { WEB } from "../../helpers/control-fixture.js";
import { InMemoryOperations } from "../../helpers/in-memory-operations.js";
import { uvs } from "../../helpers/run-uvs.js";

const TEMPLATE: TemplateStatus = {
  service: WEB,
  client: "192.0.2.1",
  realserver: { address: "10.0.0.2", port: 80 },
  state: "ASSURED",
  valid: true,
  timeoutSec: 300,
  expiresSec: 287.25,
  connections: 1,
};

function withTemplates(): InMemoryOperations {
  const operations = new InMemoryOperations();
  operations.templateTable = [TEMPLATE, { ...TEMPLATE, client: "192.0.2.2", valid: false, connections: 0 }];
  return operations;
}

test("templates are listed with what they lead to and how long they last", async () => {
  const { exit, out } = await uvs(["templates"], withTemplates());
  assert.equal(exit, 0);
  assert.deepEqual(out.trimEnd().split("\n"), [
    "Service            Client     Realserver   State    Timeout  Expires  Connections",
    "tcp://10.0.0.1:80  192.0.2.1  10.0.0.2:80  ASSURED    5m 0s   4m 47s            1",
    "tcp://10.0.0.1:80  192.0.2.2  10.0.0.2:80  GONE       5m 0s   4m 47s            0",
  ]);
});

test("a client chooses among them, also as JSON", async () => {
  const { out } = await uvs(["templates", "--client", "192.0.2.1", "--json"], withTemplates());
  assert.deepEqual(JSON.parse(out), { templates: [TEMPLATE] });
  assert.equal((await uvs(["templates", "--client", "192.0.2.9"], withTemplates())).out, "no templates\n");
});

test("flush removes all, and takes no filter", async () => {
  const operations = withTemplates();
  const refused = await uvs(["templates", "flush", "--client", "192.0.2.1"], operations);
  assert.equal(refused.exit, 2);
  assert.match(refused.err, /takes no filter/);
  assert.equal((await uvs(["templates", "flush"], operations)).out, "2 templates flushed\n");
  assert.deepEqual(operations.templateTable, []);
});

test("another word than flush is refused", async () => {
  const { exit, err } = await uvs(["templates", "drop"]);
  assert.equal(exit, 2);
  assert.match(err, /found "drop", accepted is flush/);
});
