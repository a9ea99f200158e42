/** The peers in the order in which a round measures them. */
import { haproxy } from "./haproxy.js";
import { nginx } from "./nginx.js";
import { none } from "./none.js";
import type { Peer } from "./peer.js";
import { pipe } from "./pipe.js";
import { uvsNative, uvsNet } from "./uvs.js";

export const PEERS: readonly Peer[] = [uvsNative, uvsNet, haproxy, nginx, pipe, none];

/** Those that most readers ask about: what `--quick` measures unless it is told otherwise. */
export const QUICK_PEERS: readonly string[] = [uvsNative, haproxy, nginx, none].map(({ name }) => name);

/** The peer that ratios are taken against. */
export const BASELINE = haproxy.name;

/** The peer whose targets are checked. */
export const CANDIDATE = uvsNative.name;
