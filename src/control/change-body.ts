/** A change as the body of a request has it: what batch.ts reads back. Programs that only ask need nothing else of that. */
import { serviceKey } from "../core/model.js";
import type { Change } from "./operations.js";

/** A change as a request has it: what `changesFor` reads back. */
export function changeToBody(change: Change): unknown {
  if (change.operation === "addService") {
    const { id, settings, realservers } = change.service;
    return { operation: change.operation, key: serviceKey(id), settings, realservers };
  }
  if (!("id" in change)) return change;
  const { id, ...rest } = change;
  return { ...rest, key: serviceKey(id) };
}
