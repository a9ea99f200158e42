import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseConfig } from "../../../src/config/load.js";
import { SCHEDULER_NAMES } from "../../../src/schedulers/registry.js";

const parse = (sync: string) =>
  parseConfig(`ha: { sync: { ${sync} } }`, "uvs.yaml", { schedulers: SCHEDULER_NAMES }).ha?.sync;

describe("the section ha.sync", () => {
  test("takes addresses with and without a port, and a name", () => {
    assert.deepEqual(
      parse(
        'node: a, listen: 10.0.0.1, peers: [ "10.0.0.2:7000", "[fd77::1]:7000", "fd77::2" ], key-file: /k',
      ),
      {
        node: "a",
        listen: { address: "10.0.0.1", port: 5694 },
        peers: [
          { address: "10.0.0.2", port: 7000 },
          { address: "fd77::1", port: 7000 },
          { address: "fd77::2", port: 5694 },
        ],
        keyFile: "/k",
      },
    );
  });

  for (const [sync, words] of [
    ["listen: 10.0.0.1, peers: [ 10.0.0.1 ], key-file: /k", /peers\[0\].*accepted is another director/],
    ["listen: 10.0.0.1, peers: [ 10.0.0.2, 10.0.0.2 ], key-file: /k", /peers\[1\].*each peer once/],
    ["listen: 10.0.0.1, peers: [], key-file: /k", /peers.*at least one/],
    ["listen: 10.0.0.1, peers: [ host.example ], key-file: /k", /peers\[0\].*names are not looked up/],
    ['listen: "10.0.0.1:0", peers: [ 10.0.0.2 ], key-file: /k', /listen.*port 0 is outside/],
    ["listen: 10.0.0.1, peers: [ 10.0.0.2 ]", /key-file/],
    ["listen: 10.0.0.1, peers: [ 10.0.0.2 ], key-file: key", /key-file.*absolute path/],
    ['listen: 10.0.0.1, peers: [ 10.0.0.2 ], key-file: /k, node: "a b"', /node.*letters, digits/],
  ] as const) {
    test(`refuses ${sync}`, () => {
      assert.throws(() => parse(sync), words);
    });
  }
});
