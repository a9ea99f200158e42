/** Several changes as one request: each is an object with the operation's name and, by the names of the routes, its input. */
import { z } from "zod";
import { UvsError } from "../core/errors.js";
import { parseServiceKey } from "../core/service-key.js";
import { ipAddress, keys, wholeNumber } from "./body.js";
import type { Change, Refusal } from "./operations.js";
import {
  keyField,
  realserverBody,
  realserverFor,
  serviceBody,
  serviceFor,
  settingsBody,
  settingsFor,
  timeoutsBody,
} from "./schemas.js";

/** Room for the commands of a director that is full: 65,536 changes of 250 bytes. */
export const MAX_BATCH_BYTES = 16 * 1024 * 1024;
const MAX_CHANGES = 65_536;

const changeBody = z.discriminatedUnion(
  "operation",
  [
    keys({ operation: z.literal("addService"), ...serviceBody.shape }),
    keys({ operation: z.literal("editService"), key: keyField, settings: settingsBody }),
    keys({ operation: z.literal("deleteService"), key: keyField }),
    keys({ operation: z.literal("clear") }),
    keys({ operation: z.enum(["addRealserver", "editRealserver"]), key: keyField, server: realserverBody }),
    keys({
      operation: z.literal("deleteRealserver"),
      key: keyField,
      server: keys({ address: ipAddress(), port: wholeNumber(0, 65535) }),
    }),
    keys({ operation: z.literal("setTimeouts"), timeouts: timeoutsBody }),
  ],
  "an object whose operation is one of addService, editService, deleteService, clear, addRealserver, editRealserver, deleteRealserver, setTimeouts",
);

type ChangeBody = z.infer<typeof changeBody>;

/** The body of a batch. */
export const batchBody = keys({
  changes: z.array(changeBody, "a list of changes").max(MAX_CHANGES, `at most ${MAX_CHANGES} changes`),
});

/** The changes that a checked body means, and what is refused because its parts do not fit one another. */
export function changesFor(body: z.infer<typeof batchBody>): { changes: Change[]; misfits: Refusal[] } {
  const changes: Change[] = [];
  const misfits: Refusal[] = [];
  for (const [index, change] of body.changes.entries()) {
    try {
      changes.push(changeFor(change));
    } catch (error) {
      misfits.push({ index, error: UvsError.from(error).toPlain() });
    }
  }
  return { changes, misfits };
}

function changeFor(change: ChangeBody): Change {
  switch (change.operation) {
    case "addService":
      return { operation: change.operation, service: serviceFor(change) };
    case "editService": {
      const id = parseServiceKey(change.key);
      return { operation: change.operation, id, settings: settingsFor(id, change.settings) };
    }
    case "deleteService":
      return { operation: change.operation, id: parseServiceKey(change.key) };
    case "addRealserver":
    case "editRealserver": {
      const server = realserverFor(change.server, change.server);
      return { operation: change.operation, id: parseServiceKey(change.key), server };
    }
    case "deleteRealserver":
      return { operation: change.operation, id: parseServiceKey(change.key), server: change.server };
    case "clear":
    case "setTimeouts":
      return change;
  }
}
