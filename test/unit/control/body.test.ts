import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseBody } from "../../../src/control/body.js";
import { ROUTES } from "../../../src/control/routes.js";
import { serviceBody, settingsBody } from "../../../src/control/schemas.js";
import { UvsError } from "../../../src/core/errors.js";
import { DEFAULT_SETTINGS } from "../../../src/core/model.js";

test("an empty body takes the defaults of the model", () => {
  assert.deepEqual(parseBody(settingsBody, {}), DEFAULT_SETTINGS);
});

test("all problems of a body are named at once", () => {
  const body = { key: 1, settings: { redispatch: 99 }, realservers: [{ address: "x", port: 0.5 }] };
  assert.throws(
    () => parseBody(serviceBody, body),
    (error) => {
      assert.ok(error instanceof UvsError);
      assert.equal(
        error.message,
        [
          "key: found 1, accepted is a service key such as tcp://10.0.0.1:80",
          "settings.redispatch: found 99, accepted is a whole number from 0 to 8",
          'realservers[0].address: found "x", accepted is an IPv4 or IPv6 address without brackets',
          "realservers[0].port: found 0.5, accepted is a whole number from 0 to 65535",
        ].join("; "),
      );
      assert.deepEqual(error.details, { field: "key", problems: 4 });
      return true;
    },
  );
});

test("addresses become canonical", () => {
  const body = { key: "fwmark6://1", realservers: [{ address: "FD77:0::1", port: 1 }] };
  assert.equal(parseBody(serviceBody, body).realservers[0].address, "fd77::1");
});

test("whatever the body is, a route accepts it or refuses it as INVALID", () => {
  const keys = fc.constantFrom(
    "key",
    "settings",
    "realservers",
    "address",
    "port",
    "weight",
    "tcpSec",
    "tunnel",
  );
  const anything = fc.object({ key: keys, maxDepth: 3, withNullPrototype: false });
  for (const { body } of ROUTES) {
    fc.assert(
      fc.property(fc.oneof(anything, fc.jsonValue()), (value) => {
        try {
          parseBody(body, value);
        } catch (error) {
          assert.ok(error instanceof UvsError && error.code === "INVALID", String(error));
        }
      }),
    );
  }
});
