/** The keys under `ha.heartbeat`. What must hold between them is in `heartbeat-checks.ts`. */
import { z } from "zod";
import { choice, duration, field, flag, integer, list, section } from "./fields.js";
import { fenceSchema } from "./ha-fencing.js";
import { announceSchema, notifySchema, recoverySchema, resourcesSchema } from "./ha-group-schema.js";
import { haName, interfaceName, ipAddress, nodeName, path } from "./ha-values.js";
import { refuse } from "./refuse.js";

/** The section, values read. */
export type HeartbeatEntry = z.output<typeof heartbeatSchema>;
/** One link, values read. */
export type LinkEntry = z.output<typeof link>;
/** One group, values read. */
export type HeartbeatGroupEntry = z.output<typeof group>;

const INFINITY = 1_000_000;
const MAX_PEERS = 9;

const scores = field(parseScores, {
  type: "object",
  additionalProperties: { anyOf: [{ type: "integer" }, { enum: ["INFINITY", "-INFINITY"] }] },
});

const link = section({
  ucast: interfaceName.optional().describe("Unicast over this interface, to peers."),
  peers: list(ipAddress, "addresses").describe(
    `Of ucast, at most ${MAX_PEERS}; one's own is passed over, so that all directors can share the list.`,
  ),
  source: ipAddress
    .optional()
    .describe(
      "Of ucast: address to send from and to listen at; the interface's first one that is not floating.",
    ),
  bcast: interfaceName.optional().describe("To the broadcast address of this interface's network."),
  mcast: interfaceName.optional().describe("Multicast over this interface, to group."),
  group: ipAddress.optional().describe("Of mcast."),
  ttl: integer(1, 255).prefault(1).describe("Of mcast."),
});

const pingGroup = section({
  name: haName.describe("What it is called in the status."),
  hosts: list(ipAddress, "addresses").describe("One of them has to answer."),
});

const ping = section({
  nodes: list(ipAddress, "addresses").describe(
    "Hosts that belong to nobody, routers as a rule; never a director.",
  ),
  groups: list(pingGroup, "ping groups").describe("Several hosts that count as one."),
  deadtime: duration("20ms", "1h").optional().describe("Silence after which one is down; the deadtime."),
  multiplier: integer(0, 100_000)
    .prefault(10_000)
    .describe(
      "Score of each that answers; with the default who reaches more holds the groups, as with ipfail.",
    ),
  required: flag().prefault(false).describe("Whether a director that none answers must hold nothing."),
}).prefault({});

const group = section({
  name: nodeName.describe("For status, logs, hooks and commands."),
  preferred: nodeName.optional().describe("Node that it belongs to; its score is 100."),
  scores: scores.prefault({}).describe("Further scores by node; INFINITY is always, -INFINITY never."),
  stickiness: integer(-INFINITY, INFINITY)
    .optional()
    .describe("What speaks for the node where it is; 0 with auto-failback, 200 without."),
  floating: z
    .array(ipAddress, "found something else, accepted is a list of addresses")
    .optional()
    .describe("Which of ha.floating it moves; all that no other group names."),
  announce: announceSchema.describe("How the addresses are announced."),
  resources: resourcesSchema.describe(
    "Started from left to right once the addresses are there, and stopped in reverse.",
  ),
  recovery: recoverySchema.describe("What failures of resources lead to."),
  notify: notifySchema().prefault({}).describe("Whom to tell of changes of state."),
});

/** The section `ha.heartbeat`. */
export const heartbeatSchema = section({
  node: nodeName.optional().describe("This director's name; the host's."),
  nodes: list(nodeName, "names").describe("All directors, this one included, two to nine."),
  links: list(link, "links").describe("Paths that messages take, all at once; two or more are wise."),
  port: integer(1, 65_535).prefault(694).describe("UDP port."),
  auth: path
    .prefault("/etc/uvs/authkeys")
    .describe("File of shared keys, as heartbeat's authkeys; mode 0600."),
  state: path
    .prefault("/var/lib/uvs/heartbeat-generation")
    .describe("File of the number of the last start; must survive a boot."),
  keepalive: duration("10ms", "1h").prefault("1s").describe("Between two status messages."),
  deadtime: duration("30ms", "1h").prefault("10s").describe("Silence after which a director is dead."),
  warntime: duration("10ms", "1h").optional().describe("Silence that is logged; half of the deadtime."),
  initdead: duration("30ms", "1h")
    .optional()
    .describe("Deadtime of directors that were never heard; the deadtime, at least 12s."),
  "auto-failback": flag()
    .prefault(true)
    .describe("Whether a group goes back when its preferred director returns."),
  "no-quorum": choice(["stop", "freeze", "ignore"])
    .optional()
    .describe("What a part without a majority of the nodes does; ignore for two nodes, stop for more."),
  "ping-breaks-tie": flag()
    .prefault(false)
    .describe("Whether exactly half of the nodes are enough where they reach a ping node."),
  dampen: duration("0s", "1h")
    .optional()
    .describe("How long another place must be the better one before a group moves; two keepalives."),
  encoding: choice(["netstring", "classic"])
    .prefault("netstring")
    .describe("Of what is sent; received are both."),
  ping: ping.describe("Ping nodes."),
  groups: list(group, "groups").describe("What moves between the directors."),
  fencing: list(fenceSchema, "fence commands").describe("How directors are fenced that were lost uncleanly."),
});

function parseScores(input: unknown): Record<string, number> {
  const accepted = `a mapping of nodes to whole numbers, INFINITY or -INFINITY`;
  if (typeof input !== "object" || input === null || Array.isArray(input)) return refuse(input, accepted);
  const read = (value: unknown): number => {
    if (value === "INFINITY" || value === "-INFINITY") return value === "INFINITY" ? INFINITY : -INFINITY;
    const isScore = Number.isInteger(value) && Math.abs(value as number) <= INFINITY;
    return isScore ? (value as number) : refuse(value, accepted);
  };
  return Object.fromEntries(Object.entries(input).map(([node, value]) => [node, read(value)]));
}
