/** A virtual router in the words that all protocols share. */
import type { HaInstanceStatus, HaPeerStatus } from "../../core/ha-status.js";
import type { GroupStatus } from "../resources/group.js";
import type { Instance } from "./instance.js";
import type { PeerStatus } from "./peers.js";

/** The status of a router. @param announcements frames sent */
export function routerStatus(
  instance: Instance,
  { state: resources, holdsAddresses, trouble }: GroupStatus,
  announcements: number,
  syncGroup: string | undefined,
): HaInstanceStatus {
  const { id, version, family, lastTransition, peers, ...common } = instance.status();
  const { counters } = common;
  return {
    protocol: "vrrp",
    ...common,
    reason: lastTransition?.reason ?? "not started yet",
    isStandby: instance.isStandby,
    peers: peers.map(peerStatus),
    holdsAddresses,
    resources,
    ...(trouble !== undefined && { trouble }),
    conflicts: counters.lower_prio_rcvd,
    announcements,
    ...(syncGroup !== undefined && { syncGroup }),
    vrrp: { id, version, family },
  };
}

function peerStatus({ lastAdvertisement, checksumForm: _, ...peer }: PeerStatus): HaPeerStatus {
  return { ...peer, ...(lastAdvertisement !== undefined && { lastHeard: lastAdvertisement }) };
}
