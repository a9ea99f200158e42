/** What can be chosen of all virtual routers of a director, and the check that its parts fit together. */
import { UvsError } from "../../core/errors.js";
import type { AnnounceSettings } from "../announce/announcer.js";
import { checkFloating, type FloatingAddress } from "../resources/floating-address.js";
import type { GroupSettings } from "../resources/group.js";
import type { NotifySettings } from "../resources/notify.js";
import type { RecoverySettings } from "../resources/runner.js";
import type { ScriptSettings } from "../resources/script-resources.js";
import type { ScriptCheckSettings } from "../tracking/script-check.js";
import { checkFencing, type PeerFenceSettings } from "./peer-fencing.js";
import type { InstanceSettings } from "./settings.js";

/** One virtual router and what it moves. */
export interface RouterSettings extends InstanceSettings {
  /** In order; those that are not to be advertised are only here, not in `addresses`. */
  readonly floating: readonly FloatingAddress[];
  readonly announce?: AnnounceSettings;
  /** In order. */
  readonly resources?: readonly ScriptSettings[];
  readonly group?: GroupSettings & RecoverySettings;
  readonly notify?: NotifySettings;
}

/** Several virtual routers that move together. */
export interface SyncGroupSettings {
  readonly name: string;
  /** Names of virtual routers. */
  readonly members: readonly string[];
  readonly notify?: NotifySettings;
}

/** All of VRRP. */
export interface VrrpSettings {
  readonly routers: readonly RouterSettings[];
  readonly syncGroups?: readonly SyncGroupSettings[];
  /** Scripts that routers track by name. */
  readonly scripts?: readonly ScriptCheckSettings[];
  /** Directors that are fenced when they are lost as masters. */
  readonly fencing?: readonly PeerFenceSettings[];
}

/**
 * Checks that names are unique and that what is named exists. Each router's own settings are checked where it is made.
 * @throws UvsError INVALID, naming what was found and what is accepted
 */
export function checkVrrp({ routers, syncGroups = [], scripts = [], fencing = [] }: VrrpSettings): void {
  checkFencing(fencing);
  const names = unique("router", routers);
  const scriptNames = unique("script", scripts);
  unique("sync group", syncGroups);
  const taken = new Set<string>();
  for (const { name, members } of syncGroups) {
    for (const member of members) {
      if (!names.has(member))
        refuse(`sync group ${name}`, member, `one of the routers ${[...names].join(" ")}`);
      if (taken.has(member)) refuse(`sync group ${name}`, member, "a router that is in no other sync group");
      taken.add(member);
    }
  }
  for (const { name, track = [], floating } of routers) {
    floating.forEach(checkFloating);
    for (const { kind, name: tracked } of track) {
      if (kind === "script" && !scriptNames.has(tracked)) {
        refuse(`vrrp ${name}: track`, tracked, `one of the scripts ${[...scriptNames].join(" ")}`);
      }
    }
  }
}

function unique(what: string, named: readonly { readonly name: string }[]): Set<string> {
  const names = new Set<string>();
  for (const { name } of named) {
    if (names.has(name)) refuse(what, name, "a name that is used once");
    names.add(name);
  }
  return names;
}

function refuse(where: string, found: string, accepted: string): never {
  throw new UvsError("INVALID", `${where}: found ${found}, accepted is ${accepted}`, {
    side: "config",
    details: { where, found },
  });
}
