/** The keys under `ha`. What must hold between them is in `ha-checks.ts`. */
import { z } from "zod";
import { choice, duration, field, flag, integer, list, section, text } from "./fields.js";
import { syncSchema } from "./ha-sync.js";
import {
  broadcast,
  command,
  haName,
  hmacKey,
  interfaceName,
  ipAddress,
  network,
  ocfAgent,
  path,
  tracked,
  url,
} from "./ha-values.js";
import { refuse } from "./refuse.js";

/** The section, values read. */
export type HaEntry = z.output<typeof haSchema>;
/** One virtual router, values read. */
export type VrrpEntry = z.output<typeof vrrp>;
/** One resource, values read. */
export type ResourceEntry = z.output<typeof resource>;
/** Hooks, values read. */
export type NotifyEntry = z.output<ReturnType<typeof notifySchema>>;

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

/** Whom to tell of changes of state. */
export function notifySchema() {
  return section({
    master: command.optional().describe("Run when it becomes master."),
    backup: command.optional().describe("Run when it becomes backup."),
    fault: command.optional().describe("Run when it has a fault."),
    stop: command.optional().describe("Run when it ends."),
    conflict: command.optional().describe("Run when a second master was heard and this one stays."),
    any: command
      .optional()
      .describe("Run for every state with INSTANCE or GROUP, name, state, priority behind its arguments."),
    webhooks: list(url, "URLs").describe("Every change is posted to them as JSON."),
    timeout: duration("1s", "1h").prefault("30s").describe("Of one script or request."),
  });
}

const times = {
  monitor: duration("0s", "1d").prefault("10s").describe("Between two looks whether it runs; 0 is none."),
  "start-timeout": duration("1s", "1h").prefault("20s").describe("Of starting it."),
  "stop-timeout": duration("1s", "1h").prefault("20s").describe("Of stopping it."),
};

const resource = section({
  lsb: path.optional().describe("An init script: PATH ARGS start, stop, status."),
  args: list(text(4096, "text"), "texts").describe("Arguments of lsb, before the action."),
  ocf: ocfAgent.optional().describe("An OCF resource agent: PROVIDER:TYPE."),
  instance: haName.optional().describe("Name of the OCF instance; the type."),
  parameters: field(parseParameters, { type: "object", additionalProperties: { type: "string" } })
    .optional()
    .describe("Parameters of the OCF agent, its OCF_RESKEY_ variables."),
  systemd: text(256, "the name of a unit").optional().describe("A unit of systemd."),
  ...times,
});

/** Resources in the order of starting. */
export const resourcesSchema = list(resource, "resources");

/** How addresses are announced. */
export const announceSchema = section({
  repeat: integer(1, 100).prefault(5).describe("Gratuitous ARPs or neighbour advertisements of a burst."),
  delay: duration("0s", "1h").prefault("5s").describe("From the first burst to the second; 0 is no second."),
  refresh: duration("0s", "1d").prefault("60s").describe("Between single ones in the long run; 0 is none."),
}).prefault({});

/** What failures of resources lead to. */
export const recoverySchema = section({
  restarts: integer(0, 1000).prefault(3).describe("Failures of one resource that are answered by a restart."),
  retry: duration("0s", "7d")
    .prefault("60s")
    .describe("After one more the group stays away for so long; 0 is until uvs ha clear."),
  release: duration("0s", "1h")
    .prefault("10s")
    .describe("How long resources may take to stop before the addresses go all the same."),
}).prefault({});

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
  scripts: list(script, "scripts").describe("Scripts that virtual routers track."),
  "sync-groups": list(syncGroup, "sync groups").describe("Virtual routers that move together."),
  sync: syncSchema.optional().describe("The link between directors: templates, drains, prompt handover."),
});

function choiceOfVersion() {
  return field((input): 2 | 3 => (input === 2 || input === 3 ? input : refuse(input, "2 or 3")), {
    type: "integer",
    enum: [2, 3],
  });
}

function parseParameters(input: unknown): Record<string, string> {
  const accepted = "a mapping of names to texts";
  if (typeof input !== "object" || input === null || Array.isArray(input)) return refuse(input, accepted);
  const wrong = Object.values(input).find((value) => typeof value !== "string");
  return wrong === undefined ? { ...input } : refuse(wrong, accepted, "a number must stand in quotes");
}
