/** What must hold between the values of `ha`; as `checks.ts`, it bears values that were refused. */
import { z } from "zod";
import { familyOf } from "../core/address.js";
import { UvsError } from "../core/errors.js";
import { parseServiceKey } from "../core/service-key.js";
import { checkResource, checkUnique, mappings, oneOf, type Report } from "./ha-check-parts.js";
import { familyOfRouter, floatingOf, routerName } from "./ha-config.js";
import { checkFencing } from "./ha-fencing.js";
import type { HaEntry, VrrpEntry } from "./ha-schema.js";
import { checkSync } from "./ha-sync.js";
import { checkHeartbeatEntry } from "./heartbeat-checks.js";
import { refusal } from "./refuse.js";
import type { FileEntry } from "./schema.js";

/** RFC 5798 §5.2.7: twelve bits of centiseconds. */
const MAX_V3_MS = 40_950;
const OWNER = 255;

/** The section with its lists as lists; entries that are no mappings left out. */
interface Lists extends HaEntry {
  readonly vrrp: VrrpEntry[];
  readonly floating: NonNullable<HaEntry["floating"]>;
}

/** The checks as the schema takes them. */
export const haChecks = z.superRefine<FileEntry>(
  (file, context) => {
    // A section that has a key too many is looked at all the same; one that is none at all cannot be.
    if (typeof file.ha !== "object" || file.ha === null) return;
    checkHa(file.ha, (path, message) => context.addIssue({ code: "custom", path: ["ha", ...path], message }));
  },
  { when: ({ value }) => typeof value === "object" && value !== null },
);

function checkHa(entry: HaEntry, report: Report): void {
  const ha: Lists = { ...entry, vrrp: mappings(entry.vrrp), floating: mappings(entry.floating) };
  checkFloating(ha, report);
  const names = ha.vrrp.map((router) => (router.id === undefined ? undefined : routerName(router)));
  checkUnique(names, "name", (i, message) => report(["vrrp", i, "name"], message));
  const scripts = mappings(entry.scripts).map(({ name }) => name);
  checkUnique(scripts, "name", (i, message) => report(["scripts", i, "name"], message));
  for (const [i, router] of ha.vrrp.entries()) {
    checkRouter(router, ha, scripts, (path, message) => report(["vrrp", i, ...path], message));
  }
  checkVrids(ha, report);
  if (typeof entry.sync === "object" && entry.sync !== null) {
    checkSync(entry.sync, (path, message) => report(["sync", ...path], message));
  }
  const fencing = mappings(entry.fencing);
  checkFencing(fencing, (path, message) => report(["fencing", ...path], message));
  if (entry.heartbeat !== undefined) {
    if (fencing.length > 0) {
      report(["fencing"], "found fencing beside heartbeat, accepted is heartbeat.fencing");
    }
    if (ha.vrrp.length > 0) report(["heartbeat"], "found vrrp and heartbeat, accepted is one of them");
    checkHeartbeatEntry(entry.heartbeat, ha.floating, (path, message) =>
      report(["heartbeat", ...path], message),
    );
  }
  const groups = mappings(entry["sync-groups"]);
  checkUnique(
    groups.map(({ name }) => name),
    "name",
    (i, message) => report(["sync-groups", i, "name"], message),
  );
  const taken = new Set<string>();
  for (const [i, group] of groups.entries()) {
    for (const [j, member] of (group.members ?? []).entries()) {
      const refuse = (accepted: string): void =>
        report(["sync-groups", i, "members", j], refusal(member, accepted));
      if (!names.includes(member)) refuse(oneOf("a virtual router", names));
      else if (taken.has(member)) refuse("a virtual router that is in no other sync group");
      taken.add(member);
    }
  }
}

/** Each address once, and moved by one virtual router. */
function checkFloating(ha: Lists, report: Report): void {
  const { floating } = ha;
  checkUnique(
    floating.map(({ address }) => address?.address),
    "address",
    (i, message) => report(["floating", i, "address"], message),
  );
  const movers = new Map<string, number>();
  for (const [i, router] of ha.vrrp.entries()) {
    for (const [j, address] of (router.floating ?? []).entries()) {
      const refuse = (accepted: string): void =>
        report(["vrrp", i, "floating", j], refusal(address, accepted));
      const all = floating.map((one) => one.address?.address);
      if (address !== undefined && !all.includes(address)) refuse(oneOf("an address of ha.floating", all));
      else if (movers.has(address)) refuse("an address that no other virtual router moves");
      movers.set(address, i);
    }
  }
  const rest = ha.vrrp.flatMap((router, i) => (router.floating === undefined ? [i] : []));
  for (const i of rest.slice(1)) {
    report(
      ["vrrp", i],
      `found two virtual routers without floating (vrrp[${rest[0]}] is the other), accepted is one: it moves all addresses that no other names`,
    );
  }
  for (const [i, { address, label, broadcast, interface: device }] of floating.entries()) {
    if (address === undefined) continue;
    if (rest.length === 0 && ha.heartbeat === undefined && !movers.has(address.address)) {
      report(
        ["floating", i],
        `${address.address} is moved by nobody, accepted is an address that one of ha.vrrp moves`,
      );
    }
    if (broadcast !== undefined && familyOf(address.address) === 6) {
      report(["floating", i, "broadcast"], refusal(broadcast, "nothing for IPv6"));
    }
    if (label !== undefined && device !== undefined && !label.startsWith(device)) {
      report(["floating", i, "label"], refusal(label, `a label that begins with ${device}`));
    }
  }
}

function checkRouter(
  router: VrrpEntry,
  ha: Lists,
  scripts: readonly (string | undefined)[],
  report: Report,
): void {
  const advertised = advertisedOf(router, ha);
  const family = familyOfRouter(router, advertised);
  const foreign = advertised.find((address) => familyOf(address) !== family);
  if (foreign !== undefined) {
    report(
      ["floating"],
      `found IPv4 and IPv6 (${advertised[0]}, ${foreign}), accepted is one family: advertised: false moves an address unnamed, another virtual router moves it by itself`,
    );
  }
  checkVersion(router, family, report);
  for (const [key, address] of addressesOf(router)) {
    if (address !== undefined && familyOf(address) !== family) {
      report(key, refusal(address, `an IPv${family} address, as its floating addresses are`));
    }
  }
  for (const [i, name] of mappings(router.track?.scripts).entries()) {
    if (scripts.includes(name.name)) continue;
    report(["track", "scripts", i], refusal(name.name, oneOf("a name of ha.scripts", scripts)));
  }
  for (const [i, { name }] of mappings(router.track?.services).entries()) {
    checkServiceKey(name, (message) => report(["track", "services", i], message));
  }
  for (const kind of ["interfaces", "scripts", "services"] as const) {
    for (const [i, { weight }] of mappings(router.track?.[kind]).entries()) {
      if (router.priority !== OWNER || !weight) continue;
      report(["track", kind, i], refusal(weight, "weight 0 with priority 255, which nothing changes"));
    }
  }
  for (const [i, resource] of mappings(router.resources).entries()) {
    checkResource(resource, (path, message) => report(["resources", i, ...path], message));
  }
  const { hmac } = router;
  const keys = mappings(hmac?.keys).map(({ id }) => id);
  if (hmac?.active !== undefined && !keys.includes(hmac.active)) {
    report(["hmac", "active"], refusal(hmac.active, `the id of one of the keys: ${keys.join(", ")}`));
  }
}

function checkVersion(router: VrrpEntry, family: 4 | 6, report: Report): void {
  const { version = family === 4 ? 2 : 3, advertise, password } = router;
  if (version === 2 && family === 6) report(["version"], refusal(2, "3: version 2 does not know IPv6"));
  if (password !== undefined && version === 3) {
    report(
      ["password"],
      "found a password with version 3, which has no field for it; accepted is hmac, or version: 2",
    );
  }
  if (advertise === undefined) return;
  const found = `${advertise}ms`;
  if (version === 2 && advertise % 1000 !== 0) {
    report(["advertise"], refusal(found, "whole seconds with version 2; version: 3 has steps of 10ms"));
  } else if (version === 3 && (advertise % 10 !== 0 || advertise > MAX_V3_MS)) {
    report(["advertise"], refusal(found, "10ms to 40.95s in steps of 10ms with version 3"));
  }
}

function advertisedOf(router: VrrpEntry, ha: Lists): string[] {
  return floatingOf(router, ha).flatMap(({ address, advertised: is }) =>
    is !== false && address !== undefined ? [address.address] : [],
  );
}

/** Two instances of one id and family on one interface would hear each other's packets. */
function checkVrids(ha: Lists, report: Report): void {
  const seen = new Map<string, number>();
  for (const [i, router] of ha.vrrp.entries()) {
    const family = familyOfRouter(router, advertisedOf(router, ha));
    const key = `${router.interface} ${router.id} ${family} ${(router.peers ?? []).length > 0}`;
    const first = seen.get(key);
    if (router.id !== undefined && first !== undefined) {
      report(
        ["vrrp", i, "id"],
        refusal(router.id, `an id that vrrp[${first}] does not have on ${router.interface} for IPv${family}`),
      );
    }
    seen.set(key, first ?? i);
  }
}

function checkServiceKey(key: string | undefined, report: (message: string) => void): void {
  if (key === undefined) return;
  try {
    parseServiceKey(key);
  } catch (error) {
    report(UvsError.from(error).message);
  }
}

function addressesOf(router: VrrpEntry): [path: (string | number)[], address: string | undefined][] {
  const peers = mappings(router.peers).map(({ address }, i): [(string | number)[], string | undefined] => [
    ["peers", i],
    address,
  ]);
  return [[["source"], router.source], ...peers];
}
