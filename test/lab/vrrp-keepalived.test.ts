/** A director of ours and a real keepalived on one link: either is master or backup of the other. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import type { RouterSettings, VrrpSettings } from "../../src/ha/vrrp/peer-settings.js";
import { type LabHost, labMissing, VrrpLab } from "../helpers/vrrp-lab.js";
import { waitFor } from "../helpers/wait-for.js";

const skip = labMissing() ?? keepalivedMissing();

interface Variant {
  readonly name: string;
  readonly vip: string;
  /** Settings of ours, besides the priority. */
  readonly ours: Partial<RouterSettings>;
  /** Lines of the vrrp_instance. */
  readonly theirs: readonly string[];
}

const OURS = "10.79.0.1";
const THEIRS = "10.79.0.2";
const V4 = "10.79.0.100";
const V6 = "fd79::100";

const VARIANTS: readonly Variant[] = [
  {
    name: "version 2 with a password",
    vip: V4,
    ours: { version: 2, advertMs: 1000, password: "secret12" },
    theirs: ["version 2", "advert_int 1", "authentication {", "auth_type PASS", "auth_pass secret12", "}"],
  },
  {
    name: "version 2 without a password",
    vip: V4,
    ours: { version: 2, advertMs: 1000 },
    theirs: ["version 2", "advert_int 1"],
  },
  {
    name: "version 3 over IPv4",
    vip: V4,
    ours: {},
    theirs: ["version 3", "advert_int 0.1"],
  },
  {
    name: "version 3 over IPv4 to unicast peers",
    vip: V4,
    ours: { unicast: { peers: [{ address: THEIRS }] } },
    theirs: ["version 3", "advert_int 0.1", `unicast_src_ip ${THEIRS}`, "unicast_peer {", OURS, "}"],
  },
  {
    name: "version 3 over IPv6",
    vip: V6,
    ours: {
      family: 6,
      addresses: ["fe80::100", V6],
      floating: [
        { address: "fe80::100", prefix: 64, interface: "eth0" },
        { address: V6, prefix: 64, interface: "eth0" },
      ],
    },
    theirs: ["version 3", "advert_int 0.1"],
  },
];

function oursOf({ ours }: Variant, priority: number): VrrpSettings {
  const router: RouterSettings = {
    name: "vi",
    interface: "eth0",
    id: 51,
    version: 3,
    family: 4,
    priority,
    advertMs: 100,
    addresses: [V4],
    floating: [{ address: V4, prefix: 24, interface: "eth0" }],
    ...ours,
  };
  return { routers: [router] };
}

function theirsOf({ theirs, vip }: Variant, priority: number): string {
  const addresses = vip === V6 ? ["fe80::100/64", `${V6}/64`] : [`${V4}/24`];
  return [
    "vrrp_instance vi {",
    "interface eth0",
    "virtual_router_id 51",
    `priority ${priority}`,
    ...theirs,
    "virtual_ipaddress {",
    ...addresses,
    "}",
    "}",
    "",
  ].join("\n");
}

async function withLab(use: (lab: VrrpLab, ours: LabHost, theirs: LabHost) => Promise<void>): Promise<void> {
  const lab = new VrrpLab();
  try {
    await use(lab, lab.addHost("a", 1), lab.addHost("b", 2));
  } finally {
    lab.destroy();
  }
}

/** Waits until exactly one of two has the address. */
function onlyOn(lab: VrrpLab, vip: string, holder: LabHost, other: LabHost): Promise<void> {
  return waitFor(
    `only ${holder.name} has ${vip}`,
    () => lab.has(holder, vip) && !lab.has(other, vip),
    20_000,
  );
}

for (const variant of VARIANTS) {
  describe(`with keepalived, ${variant.name}`, { skip }, () => {
    const { vip } = variant;

    test("we are master, leave, and take over again from the lower one", () =>
      withLab(async (lab, a, b) => {
        const first = await lab.startDirector(a, oursOf(variant, 150));
        lab.startKeepalived(b, theirsOf(variant, 100));
        await onlyOn(lab, vip, a, b);
        await first.stop();
        await onlyOn(lab, vip, b, a);
        const second = await lab.startDirector(a, oursOf(variant, 150));
        await onlyOn(lab, vip, a, b);
        const { counters, peers } = await second.status();
        assert.ok(counters.advert_rcvd > 0, "its advertisements were accepted");
        assert.equal(peers[0].rejected, undefined);
      }));

    test("keepalived is master, leaves, and takes over again from us", () =>
      withLab(async (lab, a, b) => {
        const theirs = lab.startKeepalived(b, theirsOf(variant, 150));
        const ours = await lab.startDirector(a, oursOf(variant, 100));
        await onlyOn(lab, vip, b, a);
        await waitFor("it is heard", async () => (await ours.status()).master?.priority === 150);
        await theirs.stop();
        await onlyOn(lab, vip, a, b);
        assert.equal((await ours.status()).counters.pri_zero_rcvd > 0, true, "it said that it leaves");
        lab.startKeepalived(b, theirsOf(variant, 150));
        await onlyOn(lab, vip, b, a);
        assert.equal((await ours.status()).reason, "a better master advertises");
      }));
  });
}

function keepalivedMissing(): string | undefined {
  try {
    execFileSync("keepalived", ["--version"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "keepalived is not installed";
  }
}
