/** Which connections are meant, as a query and as a body: `service`, `realserver` and `client` as people write them. */
import { z } from "zod";
import { UvsError } from "../core/errors.js";
import type { ConnectionChoice } from "../core/model.js";
import { parseRealserverKey, parseServiceKey } from "../core/service-key.js";
import { ipAddress, keys } from "./body.js";

const choiceShape = {
  service: z.string("a service key such as tcp://10.0.0.1:80").optional(),
  realserver: z.string("a realserver such as 10.0.0.2:80").optional(),
  client: ipAddress().optional(),
};

/** The query of a listing; an empty one means all connections. */
export const choiceQuery = keys(choiceShape);

/** The body of a kill; all connections are meant only where it says so. */
export const killBody = keys({ ...choiceShape, all: z.literal(true, "true").optional() });

/**
 * The choice that a query or body means.
 * @throws UvsError INVALID where a key cannot be read, or a realserver stands without its service
 */
export function choiceFor({ service, realserver, client }: z.infer<typeof choiceQuery>): ConnectionChoice {
  if (realserver !== undefined && service === undefined) {
    throw new UvsError("INVALID", "realserver: found without service, accepted is it together with service");
  }
  return {
    ...(service !== undefined && { service: parseServiceKey(service) }),
    ...(realserver !== undefined && { realserver: parseRealserverKey(realserver) }),
    ...(client !== undefined && { client }),
  };
}

/** As `choiceFor`. @throws UvsError INVALID also where neither a filter nor `all` is given, or both */
export function killChoiceFor({ all, ...filter }: z.infer<typeof killBody>): ConnectionChoice {
  const choice = choiceFor(filter);
  const hasFilter = Object.keys(choice).length > 0;
  if (hasFilter !== (all === true)) return choice;
  throw new UvsError(
    "INVALID",
    `body: found ${hasFilter ? "a filter together with all" : "no filter"}, accepted is service, realserver or client, or "all": true alone`,
  );
}
