/** What must hold between the addresses that a service's connections have and the rest of it. */
import { MAX_SOURCES } from "../core/model.js";
import type { Identified, Report } from "./checks.js";
import type { Config } from "./config.js";
import { refusal } from "./refuse.js";
import { familyIn } from "./service-identity.js";

const ANY = ["0.0.0.0", "::"];

/** Reports at the key that is wrong. @param dataplane of the file, which may have been refused */
export function checkAddressing(
  service: Identified,
  dataplane: Config["dataplane"] | undefined,
  report: Report,
): void {
  checkTransparent(service, dataplane, report);
  checkSource(service, report);
  checkIntercept(service, report);
}

function checkTransparent(service: Identified, dataplane: string | undefined, report: Report): void {
  const { transparent, listen, realservers } = service;
  if (transparent !== true) return;
  const refuse = (accepted: string): void => report(["transparent"], refusal(true, accepted));
  if (dataplane === "net") refuse("false with dataplane: net, which cannot bind a client's address");
  if (listen === undefined) return;
  if (!("fwmark" in listen) && listen.protocol === "sctp")
    refuse(`false for ${listen.protocol}: only TCP and UDP have it`);
  const family = familyIn(listen);
  for (const [i, server] of (realservers ?? []).entries()) {
    const found = server?.address?.family;
    if (found === undefined || found === family) continue;
    report(
      ["realservers", i, "address"],
      `found an IPv${found} address, accepted is an IPv${family} one: the service is transparent, and its clients have such addresses`,
    );
  }
}

function checkSource({ source, transparent }: Identified, report: Report): void {
  const count = source?.length ?? 0;
  if (count === 0) return;
  if (transparent === true) {
    report(
      ["source"],
      "found it with transparent: true, accepted is one of the two: addresses of the director, or the client's",
    );
  }
  if (count > MAX_SOURCES)
    report(["source"], `found ${count} addresses, accepted are at most ${MAX_SOURCES}`);
  const duplicate = source?.find((address, i) => source.indexOf(address) !== i);
  if (duplicate !== undefined) report(["source"], `found ${duplicate} twice, accepted is each address once`);
}

function checkIntercept({ intercept, bypass, listen, ports, sorry }: Identified, report: Report): void {
  if (bypass === true && intercept === false) {
    report(["bypass"], refusal(true, "false without intercept: other clients meant the director itself"));
  }
  if (intercept !== true || listen === undefined) return;
  const isAny = !("fwmark" in listen) && listen.protocol === "tcp" && ANY.includes(listen.address);
  if (!isAny) {
    report(["intercept"], refusal(true, "false, or listen: tcp://any:PORT or tcp://any6:PORT"));
  }
  if (ports !== undefined && ports !== null && ports.length > 0) {
    report(["ports"], "found a list, accepted is nothing with intercept, which needs no listening address");
  }
  if (bypass === true && sorry !== undefined) {
    report(
      ["sorry"],
      "found it with bypass, accepted is one of the two: clients go there, or to where they meant to",
    );
  }
}
