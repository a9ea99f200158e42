/** The keys under `ha`. What must hold between them is in `ha-checks.ts`. */
import { z } from "zod";
import { choice, duration, field, flag, integer, list, section, text } from "./fields.js";
import { haFenceSchema } from "./ha-fencing.js";
import { announceSchema, notifySchema, recoverySchema, resourcesSchema } from "./ha-group-schema.js";
import { syncSchema } from "./ha-sync.js";
import {
  broadcast,
  command,
  haName,
  hmacKey,
  interfaceName,
  ipAddress,
  network,
  tracked,
} from "./ha-values.js";
import { heartbeatSchema } from "./heartbeat-schema.js";
import { refuse } from "./refuse.js";

/** The section, values read. */
export type HaEntry = z.output<typeof haSchema>;
/** One virtual router, values read. */
export type VrrpEntry = z.output<typeof vrrp>;

const MAX_PASSWORD = 64;

const floating = section({
  address: network.describe("ADDRESS/PREFIX; the prefix is that of the network."),
  interface: interfaceName.describe("Interface that it is added to."),
  broadcast: broadcast
    .optional()
    .describe("Broadcast address; + computes it, which is the default below /31."),
  scope: choice(["global", "site", "link", "host"]).optional().describe("As of ip addr add."),
  label: text(15, "a label of at most 15 bytes").optional().describe("As of ip addr add: eth0:1."),
  advertised: flag()
    .prefault(true)
    .describe("Whether VRRP names it; false is keepalived's virtual_ipaddress_excluded."),
});

const peer = z.preprocess(
  (input) => (typeof input === "string" ? { address: input } : input),
  section(
    {
      address: ipAddress.describe("Of the peer."),
      "min-ttl": integer(0, 255).prefault(0).describe("Least TTL that is accepted of it."),
      "max-ttl": integer(0, 255).prefault(255).describe("Greatest TTL that is accepted of it."),
    },
    "an address, or ",
  ),
);

const hmac = section({
  keys: list(
    section({
      id: integer(1, 255).describe("Id of the key, as it stands in packets."),
      key: hmacKey.describe("32 to 64 bytes: text, or hexadecimal digits after 0x."),
    }),
    "keys",
  ).describe("All keys that are accepted."),
  active: integer(1, 255).describe("Id of the key that signs."),
  mode: choice(["enforce", "permissive", "receive-only"])
    .prefault("enforce")
    .describe("Whether unsigned packets are dropped, accepted, or accepted and sent too."),
  window: duration("3s", "300s")
    .optional()
    .describe("How far clocks may differ; 3 advertisements, at least 5s."),
});

const vrrp = section({
  name: haName.optional().describe("For status, logs and hooks; VI_ and the id."),
  id: integer(1, 255).describe("Virtual router id."),
  interface: interfaceName.describe("Interface that advertisements are sent on."),
  version: choiceOfVersion().optional().describe("2 speaks IPv4 in whole seconds; 2 for IPv4, 3 for IPv6."),
  priority: integer(1, 255)
    .prefault(100)
    .describe("The highest is master; 255 is the owner of the addresses."),
  advertise: duration("10ms", "255s").prefault("1s").describe("Between two advertisements."),
  floating: z
    .array(ipAddress, "found something else, accepted is a list of addresses")
    .optional()
    .describe("Which of ha.floating it moves; all that no other virtual router names."),
  source: ipAddress
    .optional()
    .describe("Address to send from; the interface's first one that is not floating."),
  peers: list(peer, "addresses").describe("Unicast to these instead of multicast."),
  ttl: integer(1, 255).prefault(255).describe("TTL of what is sent to peers."),
  password: text(MAX_PASSWORD, `text of at most ${MAX_PASSWORD} bytes`)
    .optional()
    .describe("Of version 2: the first 8 bytes, sent in clear; it proves nothing."),
  hmac: hmac.optional().describe("keepalived's auth_hmac: signs and verifies."),
  checksum: choice(["pseudo-header", "message-only"])
    .prefault("pseudo-header")
    .describe("Of version 3 over IPv4, as it is sent; received are all forms."),
  preempt: flag().prefault(true).describe("A higher priority takes over from a master that lives."),
  "preempt-delay": duration("0s", "1000s")
    .prefault("0s")
    .describe("How long a lower master is left alone first."),
  "dead-adverts": integer(1, 100)
    .prefault(3)
    .describe("Advertisements that a master may miss; the same on all directors."),
  "startup-delay": duration("0s", "1h").prefault("0s").describe("Time after the start before it takes part."),
  "last-advert": flag().prefault(true).describe("Whether a master that yields advertises a last time."),
  track: section({
    interfaces: list(tracked, "interfaces").describe("Further interfaces; its own is watched anyway."),
    scripts: list(tracked, "scripts").describe("Names of ha.scripts."),
    services: list(tracked, "services").describe(
      "Keys of virtual services: up while they have their quorum.",
    ),
  })
    .prefault({})
    .describe("What changes the priority or is a condition for being master."),
  announce: announceSchema.describe("How the addresses are announced."),
  resources: resourcesSchema.describe(
    "Started from left to right once the addresses are there, and stopped in reverse.",
  ),
  recovery: recoverySchema.describe("What failures of resources lead to."),
  notify: notifySchema().prefault({}).describe("Whom to tell of changes of state."),
});

const script = section({
  name: haName.describe("What virtual routers track it by."),
  command: command.describe("Exit status 0 is success."),
  interval: duration("10ms", "1d").prefault("1s").describe("Between the starts of two runs."),
  timeout: duration("10ms", "1h").optional().describe("Of one run; the interval."),
  rise: integer(1, 1000).prefault(1).describe("Successes in a row that make it work."),
  fall: integer(1, 1000).prefault(1).describe("Failures in a row that make it fail."),
});

const syncGroup = section({
  name: haName.describe("For logs and hooks."),
  members: list(haName, "names of virtual routers").describe("Masters together or not at all."),
  notify: notifySchema().prefault({}).describe("Whom to tell of changes of the whole."),
});

/** The section `ha`. */
export const haSchema = section({
  floating: list(floating, "floating addresses").describe("Addresses that move between directors."),
  vrrp: z
    .preprocess(
      (input) =>
        input === undefined || input === null || Array.isArray(input) ? (input ?? undefined) : [input],
      z.array(vrrp, "found something else, accepted is a virtual router or a list of them"),
    )
    .optional()
    .describe("A virtual router, or a list of them."),
  heartbeat: heartbeatSchema
    .optional()
    .describe("A cluster in the manner of Linux-HA; instead of virtual routers."),
  scripts: list(script, "scripts").describe("Scripts that virtual routers track."),
  "sync-groups": list(syncGroup, "sync groups").describe("Virtual routers that move together."),
  fencing: list(haFenceSchema, "fence commands").describe(
    "How directors are fenced that were lost uncleanly as masters of virtual routers.",
  ),
  sync: syncSchema.optional().describe("The link between directors: templates, drains, prompt handover."),
});

function choiceOfVersion() {
  return field((input): 2 | 3 => (input === 2 || input === 3 ? input : refuse(input, "2 or 3")), {
    type: "integer",
    enum: [2, 3],
  });
}
