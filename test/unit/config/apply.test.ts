import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { applyChanges } from "../../../src/config/apply.js";
import { diffEdits, type EditableState } from "../../../src/config/diff.js";
import { realserverKey, serviceKey } from "../../../src/core/model.js";
import { configs } from "./arbitraries.js";

/** The same state whatever the order of services and realservers. */
function inOrder({ services, timeouts, sysctls }: EditableState): EditableState {
  const sorted = services
    .map((service) => ({
      ...service,
      realservers: service.realservers.toSorted((a, b) => realserverKey(a).localeCompare(realserverKey(b))),
    }))
    .toSorted((a, b) => serviceKey(a.id).localeCompare(serviceKey(b.id)));
  return { services: sorted, timeouts, sysctls };
}

test("the differences between any two states, applied to the first, make the second", () => {
  fc.assert(
    fc.property(configs, configs, (old, next) => {
      assert.deepEqual(inOrder(applyChanges(old, diffEdits(old, next))), inOrder(next));
    }),
    { numRuns: 100 },
  );
});

test("the differences between any two states are refused by no third one, and applying them twice is applying them once", () => {
  fc.assert(
    fc.property(configs, configs, configs, (old, next, edited) => {
      const changes = diffEdits(old, next);
      const once = applyChanges(edited, changes);
      assert.deepEqual(inOrder(applyChanges(once, changes)), inOrder(once));
    }),
    { numRuns: 100 },
  );
});
