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

  test("takes the files of TLS, and names that peers' certificates must have", () => {
    const tls = { certificate: "/c", key: "/k", ca: "/a", names: ["lb2.example", "fd77::2"] };
    const text = "certificate: /c, key: /k, ca: /a, names: [ lb2.example, 'FD77:0::2' ]";
    assert.deepEqual(
      parse(`listen: 10.0.0.1, peers: [ 10.0.0.2 ], key-file: /k, tls: { ${text} }`)?.tls,
      tls,
    );
  });

  test("says at the key of a file of TLS what is wrong with it", () => {
    const text =
      "ha: { sync: { listen: 10.0.0.1, peers: [ 10.0.0.2 ], key-file: /k,\n tls: { certificate: /c, key: /k,\n  ca: /a } } }";
    const tryTls = () => [{ field: "ca", message: "/a has none" } as const];
    assert.throws(
      () => parseConfig(text, "uvs.yaml", { schedulers: SCHEDULER_NAMES, tryTls }),
      /^UvsError: uvs\.yaml:3:7: ha\.sync\.tls\.ca: \/a has none$/m,
    );
  });

  const TLS = "listen: 10.0.0.1, peers: [ 10.0.0.2 ], key-file: /k, tls";
  for (const [sync, words] of [
    [`${TLS}: { certificate: /c, key: /k }`, /tls\.ca: missing, accepted is an absolute path/],
    [`${TLS}: { certificate: c, key: /k, ca: /a }`, /tls\.certificate: found "c", accepted is an absolute/],
    [`${TLS}: { certificate: /c, key: /k, ca: /a, names: [] }`, /tls\.names: found none/],
    [
      `${TLS}: { certificate: /c, key: /k, ca: /a, names: [ "*" ] }`,
      /tls\.names\[0\].*as in the certificate/,
    ],
    [`${TLS}: true`, /tls: found true, accepted is a mapping of certificate, key, ca, names/],
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
