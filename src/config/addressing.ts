/** The keys of a service that say which addresses its connections have on either side: transparent, source, intercept. */
import { canonicalIp, isUnicast } from "../core/address.js";
import { MAX_SOURCES, type ServiceSettings } from "../core/model.js";
import { requireText } from "./endpoint.js";
import { field, flag, list } from "./fields.js";
import { refuse } from "./refuse.js";

/** For the schema of a service. */
export const addressingShape = {
  transparent: flag()
    .prefault(false)
    .describe(
      "Realservers see the client's own address and port; their answers must come back through the director.",
    ),
  source: list(field(parseSource, { type: "string" }), "addresses").describe(
    `Addresses of the director that connections to realservers come from, in turn; at most ${MAX_SOURCES}.`,
  ),
  intercept: flag()
    .prefault(false)
    .describe(
      "With tcp://any:PORT: takes the connections that pass through the director to whatever address.",
    ),
  bypass: flag()
    .prefault(false)
    .describe("With intercept: without a realserver, clients are connected to the address that they meant."),
};

/** The keys of these settings, as the file has them. */
export function addressingEntry({
  transparent,
  source,
  intercept,
}: ServiceSettings): Readonly<Record<string, unknown>> {
  return {
    transparent: transparent ?? false,
    source: source ?? [],
    intercept: intercept !== undefined,
    bypass: intercept?.bypass ?? false,
  };
}

function parseSource(input: unknown): string {
  const accepted = "a unicast address of this host";
  const address = canonicalIp(requireText(input, accepted));
  return address !== undefined && isUnicast(address) ? address : refuse(input, accepted);
}
