import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { DoctorReport, Finding, MadeRule } from "../../../../src/core/doctor.js";
import { UvsError } from "../../../../src/core/errors.js";
import {
  DEFAULT_REALSERVER,
  DEFAULT_SETTINGS,
  type ServiceSettings,
  type VirtualService,
} from "../../../../src/core/model.js";
import { examine, type Patient } from "../../../../src/director/doctor/doctor.js";
import type { HostView } from "../../../../src/director/doctor/host.js";

const ALL_RIGHTS = "CapEff:\t000001ffffffffff\n";

/** A host where all is well; `local` are its addresses. */
class FakeHost implements HostView {
  readonly files: Record<string, string> = {
    "/proc/self/status": ALL_RIGHTS,
    "/proc/self/limits": "Max open files            65536                65536                files\n",
    "/proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
    "/proc/sys/net/ipv4/ip_nonlocal_bind": "0\n",
    "/proc/sys/net/ipv4/ip_forward": "1\n",
    "/proc/sys/net/ipv6/conf/all/forwarding": "1\n",
  };
  readonly folders: Record<string, string[]> = {};
  readonly missingPrograms = new Set<string>();
  readonly local = new Set(["10.0.0.1"]);

  read(path: string): string | undefined {
    return this.files[path];
  }

  list(path: string): readonly string[] {
    return this.folders[path] ?? [];
  }

  readonly run: HostView["run"] = async ({ program, input }) => {
    if (this.missingPrograms.has(program)) throw new Error(`spawn ${program} ENOENT`);
    const routes = input.split("\n").flatMap((line) => /^route get (\S+)/.exec(line)?.[1] ?? []);
    const lines = routes.map((address) => {
      if (this.local.has(address)) return `local ${address} dev lo src ${address} uid 0`;
      return address.startsWith("10.9.")
        ? `${address} via 10.0.0.9 dev eth1 src 10.0.0.1`
        : `${address} dev eth1 uid 0`;
    });
    return { output: lines.join(" \\    cache \n"), complaint: undefined };
  };
}

function service(settings: Partial<ServiceSettings>, ...realservers: string[]): VirtualService {
  return {
    id: { protocol: "tcp", address: settings.intercept ? "0.0.0.0" : "10.0.0.1", port: 80 },
    settings: { ...DEFAULT_SETTINGS, ...settings },
    realservers: realservers.map((address) => ({ ...DEFAULT_REALSERVER, address, port: 80 })),
  };
}

async function examined(
  services: readonly VirtualService[],
  host = new FakeHost(),
  patient: Partial<Patient> & { rules?: MadeRule[] } = {},
): Promise<DoctorReport> {
  const { rules = [], ...others } = patient;
  return examine(
    {
      services,
      plane: { asked: "auto", used: "native", threads: 2, connectionLimit: 9000 },
      isListening: () => true,
      diversion: { inspect: async () => rules },
      refusal: undefined,
      probe: async () => "answered",
      ...others,
    },
    host,
  );
}

function about(subject: string, { findings }: DoctorReport): Finding | undefined {
  return findings.find((finding) => finding.subject === subject);
}

const TRANSPARENT = service({ transparent: true }, "10.2.0.1");

describe("doctor", () => {
  test("finds nothing wrong where nothing is", async () => {
    const { findings } = await examined([TRANSPARENT, service({ source: ["10.0.0.1"] }, "10.2.0.1")]);
    assert.deepEqual(
      findings.filter(({ state }) => state !== "ok"),
      [],
    );
  });

  test("a right that is missing is a failure where it is needed, and a note elsewhere", async () => {
    const host = new FakeHost();
    host.files["/proc/self/status"] = "CapEff:\t0000000000000400\n";
    const needed = about("capabilities", await examined([TRANSPARENT], host));
    assert.equal(needed?.state, "fail");
    assert.match(needed?.found ?? "", /^CAP_NET_ADMIN, CAP_NET_RAW missing/);
    assert.match(needed?.advice ?? "", /AmbientCapabilities=CAP_NET_ADMIN CAP_NET_RAW/);
    assert.equal(about("capabilities", await examined([service({})], host))?.state, "note");
  });

  test("a missing nft is a failure where it is needed, with the package to install", async () => {
    const host = new FakeHost();
    host.missingPrograms.add("nft");
    const { state, advice } = about("nft", await examined([TRANSPARENT], host))!;
    assert.deepEqual([state, advice], ["fail", "install nftables"]);
    assert.equal(about("nft", await examined([service({})], host))?.state, "note");
  });

  test("without koffi it says why net takes the place of native", async () => {
    const plane = { asked: "auto", used: "net", threads: 1, callsMissing: "cannot find koffi" } as const;
    const report = await examined([service({})], new FakeHost(), { plane, probe: undefined });
    assert.match(about("data plane", report)?.found ?? "", /cannot find koffi/);
    assert.equal(about("data plane", report)?.state, "warn");
    assert.equal(about("net.ipv4.ip_nonlocal_bind", report)?.state, "note");
  });

  test("few descriptors and few ports are warned of, and more source addresses make more of the ports", async () => {
    const host = new FakeHost();
    host.files["/proc/sys/net/ipv4/ip_local_port_range"] = "40000\t44999\n";
    const plane = { asked: "native", used: "native", threads: 2, connectionLimit: 500 } as const;
    const report = await examined([service({})], host, { plane });
    assert.equal(about("descriptors", report)?.state, "warn");
    assert.equal(about("net.ipv4.ip_local_port_range", report)?.state, "warn");
    const many = await examined([service({ source: ["10.0.0.1", "10.0.0.2", "10.0.0.3"] })], host);
    assert.match(
      about("net.ipv4.ip_local_port_range", many)?.found ?? "",
      /15000 connections to one realserver/,
    );
    assert.equal(about("net.ipv4.ip_local_port_range", many)?.state, "ok");
  });

  test("a director that is a gateway must forward; another need not", async () => {
    const host = new FakeHost();
    host.files["/proc/sys/net/ipv4/ip_forward"] = "0\n";
    const finding = about("net.ipv4.ip_forward", await examined([TRANSPARENT], host));
    assert.equal(finding?.state, "warn");
    assert.equal(finding?.advice, "sysctl -w net.ipv4.ip_forward=1");
    assert.equal(about("net.ipv4.ip_forward", await examined([service({})], host))?.state, "ok");
  });

  test("strict reverse path filtering is noted on the devices that lead to realservers", async () => {
    const host = new FakeHost();
    host.files["/proc/sys/net/ipv4/conf/eth1/rp_filter"] = "1\n";
    host.files["/proc/sys/net/ipv4/conf/eth7/rp_filter"] = "1\n";
    const finding = about("rp_filter", await examined([TRANSPARENT], host));
    assert.equal(finding?.state, "note");
    assert.match(finding?.found ?? "", /^strict on eth1: /);
    host.files["/proc/sys/net/ipv4/conf/all/rp_filter"] = "2\n";
    assert.equal(about("rp_filter", await examined([TRANSPARENT], host))?.state, "ok");
  });

  test("br_netfilter is warned of where connections are diverted and there is a bridge", async () => {
    const host = new FakeHost();
    host.files["/proc/sys/net/bridge/bridge-nf-call-iptables"] = "1\n";
    host.folders["/sys/class/net"] = ["eth0", "br0"];
    host.folders["/sys/class/net/br0/bridge"] = ["stp_state"];
    const intercepting = service({ intercept: { bypass: false } });
    const finding = about("bridges", await examined([intercepting], host));
    assert.equal(finding?.state, "warn");
    assert.match(finding?.found ?? "", /by a bridge \(br0\)/);
    assert.equal(finding?.advice, "sysctl -w net.bridge.bridge-nf-call-iptables=0");
    assert.equal(about("bridges", await examined([service({})], host)), undefined);
  });

  test("a VIP that is not here is a warning, a source that is not here a failure", async () => {
    const host = new FakeHost();
    host.local.clear();
    const report = await examined([service({ source: ["10.0.0.7"] }, "10.2.0.1")], host);
    assert.equal(about("vip 10.0.0.1", report)?.state, "warn");
    assert.equal(about("source 10.0.0.7", report)?.state, "fail");
  });

  test("what is not listened on is named", async () => {
    const report = await examined([service({})], new FakeHost(), { isListening: () => false });
    assert.match(about("listening", report)?.found ?? "", /^not at 10\.0\.0\.1:80$/);
  });

  test("a realserver whose answers do not come back is a failure, with what to do about its way", async () => {
    const services = [service({ transparent: true }, "10.2.0.1", "10.9.0.1")];
    const report = await examined(services, new FakeHost(), { probe: async () => "silent" });
    const near = about("realserver 10.2.0.1:80", report);
    assert.match(near?.found ?? "", /^on the network of eth1; no answer to a connection from 192\.0\.2\.1$/);
    assert.match(near?.advice ?? "", /default route/);
    const far = about("realserver 10.9.0.1:80", report);
    assert.match(far?.found ?? "", /^behind 10\.0\.0\.9 at eth1; /);
    assert.match(far?.advice ?? "", /every hop to 10\.0\.0\.9/);
  });

  test("only realservers of transparent services are connected to, and none on this host", async () => {
    const probed: string[] = [];
    const services = [
      service({ transparent: true }, "10.2.0.1", "10.0.0.1"),
      { ...service({}, "10.2.0.2"), id: { protocol: "tcp", address: "10.0.0.1", port: 81 } as const },
    ];
    const report = await examined(services, new FakeHost(), {
      probe: async ({ address }) => {
        probed.push(address);
        return "answered";
      },
    });
    assert.deepEqual(probed, ["10.2.0.1"]);
    assert.equal(about("realserver 10.0.0.1:80", report)?.state, "note");
  });

  test("rules that are gone, and rules that were refused, are failures with the way out", async () => {
    const gone = { text: "a", meaning: "b", shownBy: "c", isPresent: false };
    const left = await examined([TRANSPARENT], new FakeHost(), {
      rules: [gone, { ...gone, isPresent: true }],
    });
    assert.match(about("rules", left)?.found ?? "", /^1 of 2 that were made are gone/);
    const refusal = new UvsError("UNSUPPORTED", '"nft -f -" says "no"', {
      details: { command: "nft -f - <<'EOF'" },
    });
    const refused = about("rules", await examined([TRANSPARENT], new FakeHost(), { refusal }));
    assert.equal(refused?.found, '"nft -f -" says "no"');
    assert.match(refused?.advice ?? "", /by hand:\nnft -f - <<'EOF'$/);
  });
});
