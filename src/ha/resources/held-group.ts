/** Puts a resource group together from what is configured of it, for whatever protocol decides where it is. */
import type { Logger } from "../../core/logger.js";
import { Announcer, type AnnounceSettings } from "../announce/announcer.js";
import type { Interfaces } from "../links/interfaces.js";
import type { RawSockets } from "../raw-sockets.js";
import type { Timers } from "../timers.js";
import type { FloatingAddress } from "./floating-address.js";
import { FloatingAddresses } from "./floating-addresses.js";
import { type GroupSettings, ResourceGroup } from "./group.js";
import type { HeldNote } from "./held-note.js";
import { type RecoverySettings, ResourceRunner } from "./runner.js";
import { type ScriptSettings, scriptResource } from "./script-resources.js";

/** What moves together. */
export interface HeldGroupSettings {
  /** In order. */
  readonly floating: readonly FloatingAddress[];
  readonly announce?: AnnounceSettings;
  /** In order, after the addresses. */
  readonly resources?: readonly ScriptSettings[];
  readonly group?: GroupSettings & RecoverySettings;
}

/** What a group is made with. */
export interface HeldGroupParts {
  readonly interfaces: Interfaces;
  readonly raw: Pick<RawSockets, "frames">;
  readonly note: HeldNote;
  readonly timers: Timers;
  readonly logger: Logger;
  /** The group cannot be here: why, or undefined when that is over. */
  readonly onTrouble: (reason: string | undefined) => void;
}

/** A group with what announces its addresses. */
export interface HeldGroup {
  readonly group: ResourceGroup;
  readonly announcer: Announcer;
}

/** Makes a group; nothing is done yet. */
export function makeGroup(settings: HeldGroupSettings, parts: HeldGroupParts): HeldGroup {
  const { interfaces, raw, note, timers, logger, onTrouble } = parts;
  const { floating, announce = {}, resources = [], group: chosen = {} } = settings;
  const announcer = new Announcer(floating, announce, { raw, timers, logger });
  const onLost = (reason: string): void => group.fail(reason);
  const addresses = new FloatingAddresses(floating, { interfaces, note, announcer, timers, logger, onLost });
  const runner = new ResourceRunner(
    resources.map((resource) => scriptResource(resource, timers)),
    chosen,
    { timers, logger, onFailure: onLost },
  );
  const group: ResourceGroup = new ResourceGroup(chosen, { addresses, runner, timers, logger, onTrouble });
  return { group, announcer };
}
