/** What the doctor finds about the process and the host, whatever services there are. */
import type { Finding } from "../../core/doctor.js";
import { type HostView, readNumber } from "./host.js";

/** What the director needs of its host. */
export interface Needs {
  /** Services whose realservers see their clients' addresses. */
  readonly transparent: boolean;
  /** Services that the kernel diverts connections to. */
  readonly diverted: boolean;
  /** Services that take what passes through. */
  readonly intercepting: boolean;
  /** Addresses that connections to one realserver may come from, of the service that has fewest. */
  readonly sources: number;
}

/** What carries the bytes. */
export interface Plane {
  readonly asked: "auto" | "native" | "net";
  readonly used: "native" | "net";
  readonly threads: number;
  /** Why system calls are not possible; undefined: they are. */
  readonly callsMissing?: string;
  /** Client connections that it may carry at once; undefined: no forwarder answers. */
  readonly connectionLimit?: number;
}

/** Bits of the sets in /proc/self/status (linux/capability.h). */
const CAPABILITIES = { CAP_NET_BIND_SERVICE: 10, CAP_NET_ADMIN: 12, CAP_NET_RAW: 13 } as const;
/** Fewer client connections at once are worth a warning. */
const FEW_CONNECTIONS = 4096;
/** Fewer ports towards a realserver are worth a warning. */
const FEW_PORTS = 10_000;

/** The data plane, and what it needs. */
export function planeFinding({ asked, used, threads, callsMissing }: Plane): Finding {
  const subject = "data plane";
  if (used === "native") {
    return { state: "ok", subject, found: `native, ${threads} ${threads === 1 ? "thread" : "threads"}` };
  }
  if (asked === "net") return { state: "ok", subject, found: "net, as configured" };
  return {
    state: "warn",
    subject,
    found: `net takes the place of native: ${callsMissing ?? "system calls are not possible"}`,
    advice: "install the package koffi for this architecture: npm install koffi",
  };
}

/** The rights of the process. */
export function capabilityFinding(host: HostView, needs: Needs): Finding {
  const subject = "capabilities";
  const [, hex] = /^CapEff:\s*([0-9a-f]+)$/m.exec(host.read("/proc/self/status") ?? "") ?? [];
  if (hex === undefined) return { state: "note", subject, found: "cannot be told: /proc is not readable" };
  const set = BigInt(`0x${hex}`);
  const missing = Object.entries(CAPABILITIES)
    .filter(([, bit]) => (set & (1n << BigInt(bit))) === 0n)
    .map(([name]) => name);
  if (missing.length === 0) return { state: "ok", subject, found: Object.keys(CAPABILITIES).join(", ") };
  const isNeeded = (needs.transparent || needs.diverted) && missing.includes("CAP_NET_ADMIN");
  return {
    state: isNeeded ? "fail" : "note",
    subject,
    found: `${missing.join(", ")} missing: CAP_NET_BIND_SERVICE is for ports below 1024, CAP_NET_ADMIN for transparent, intercept and firewall marks, CAP_NET_RAW for VRRP and ping checks`,
    ...(isNeeded && {
      advice: `run as root, or give it with AmbientCapabilities=${missing.join(" ")} in the unit of uvsd`,
    }),
  };
}

/** Whether a program can be run. @param pkg the package that brings it */
export async function programFinding(
  host: HostView,
  program: "nft" | "ip",
  pkg: string,
  needs: Needs,
): Promise<Finding> {
  const isNeeded = needs.transparent || needs.diverted;
  const versionFlag = program === "nft" ? "--version" : "-V";
  try {
    const { output } = await host.run({ program, args: [versionFlag], input: "" });
    return { state: "ok", subject: program, found: output.trim().split("\n")[0] || "there" };
  } catch (error) {
    const found = `cannot be run (${(error as Error).message})`;
    const purpose = "transparent services, intercept, firewall marks and services of all ports need it";
    return isNeeded
      ? { state: "fail", subject: program, found, advice: `install ${pkg}` }
      : { state: "note", subject: program, found: `${found}; ${purpose}` };
  }
}

/** Open descriptors, and how many connections they come to. */
export function descriptorFinding(host: HostView, { connectionLimit }: Plane): Finding {
  const subject = "descriptors";
  const [, soft = "unknown"] = /^Max open files\s+(\S+)/m.exec(host.read("/proc/self/limits") ?? "") ?? [];
  const connections = connectionLimit === undefined ? "" : `: ${connectionLimit} client connections at once`;
  if (connectionLimit === undefined || connectionLimit >= FEW_CONNECTIONS) {
    return { state: "ok", subject, found: `${soft}${connections}` };
  }
  return {
    state: "warn",
    subject,
    found: `${soft}${connections}`,
    advice:
      "raise LimitNOFILE in the unit of uvsd, or ulimit -n (two for each connection), unless so few are meant",
  };
}

/** Ports for connections to realservers. */
export function portRangeFinding(host: HostView, { sources }: Needs): Finding {
  const subject = "net.ipv4.ip_local_port_range";
  const [low, high] = (host.read("/proc/sys/net/ipv4/ip_local_port_range") ?? "")
    .trim()
    .split(/\s+/)
    .map(Number);
  if (!(high >= low)) return { state: "note", subject, found: "cannot be told" };
  const ports = high - low + 1;
  const from = sources > 1 ? ` from each of ${sources} addresses` : "";
  const found = `${low} to ${high}: ${ports * sources} connections to one realserver at once (${ports}${from})`;
  if (ports * sources >= FEW_PORTS) return { state: "ok", subject, found };
  return {
    state: "warn",
    subject,
    found,
    advice:
      "give the services more addresses (source), or: sysctl -w net.ipv4.ip_local_port_range='1024 65535'",
  };
}

/** Whether listening sockets need the VIP to be there. */
export function nonlocalBindFinding(host: HostView, { callsMissing }: Plane): Finding {
  const subject = "net.ipv4.ip_nonlocal_bind";
  const value = readNumber(host, "/proc/sys/net/ipv4/ip_nonlocal_bind");
  const found = `${value ?? "unknown"}`;
  if (callsMissing === undefined) {
    return { state: "ok", subject, found: `${found}; not needed: sockets are bound with IP_FREEBIND` };
  }
  if (value === 1) return { state: "ok", subject, found };
  return {
    state: "note",
    subject,
    found: `${found}; without system calls a VIP that is not here cannot be listened on`,
    advice: "sysctl -w net.ipv4.ip_nonlocal_bind=1, or install koffi",
  };
}

/** Whether what is not for the director passes on. */
export function forwardingFinding(host: HostView, family: 4 | 6, needs: Needs): Finding {
  const knob = family === 4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding";
  const value = readNumber(host, `/proc/sys/${knob.replaceAll(".", "/")}`);
  if (value === undefined) return { state: "note", subject: knob, found: "not there" };
  if (value > 0 || !(needs.transparent || needs.intercepting)) {
    return { state: "ok", subject: knob, found: `${value}` };
  }
  return {
    state: "warn",
    subject: knob,
    found: `${value}: this host is a gateway for realservers or clients, and passes nothing on but what it takes itself`,
    advice: `sysctl -w ${knob}=1`,
  };
}

/** Reverse path filtering, on the devices that lead to realservers whose answers come back here. */
export function reversePathFinding(host: HostView, devices: readonly string[]): Finding {
  const subject = "rp_filter";
  const of = (name: string): number => readNumber(host, `/proc/sys/net/ipv4/conf/${name}/rp_filter`) ?? 0;
  // The kernel takes the greater of the two (ip-sysctl: rp_filter).
  const strict = devices.filter((device) => Math.max(of("all"), of(device)) === 1);
  if (strict.length === 0) return { state: "ok", subject, found: "drops nothing that the director needs" };
  return {
    state: "note",
    subject,
    found: `strict on ${strict.join(", ")}: packets have to arrive at the device by which their sender is reached`,
    advice: `where they do not: sysctl -w net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.${strict[0]}.rp_filter=2`,
  };
}

/** br_netfilter lets packets meet the rules inside a bridge, where they lose the socket that TPROXY has given them. */
export function bridgeFinding(host: HostView, { diverted }: Needs): Finding | undefined {
  const names = ["iptables", "ip6tables"].map((name) => `net.bridge.bridge-nf-call-${name}`);
  const on = names.filter(
    (name) => readNumber(host, `/proc/sys/${name.replace("net.bridge.", "net/bridge/")}`) === 1,
  );
  const bridges = host
    .list("/sys/class/net")
    .filter((name) => host.list(`/sys/class/net/${name}/bridge`).length > 0);
  if (!diverted || on.length === 0 || bridges.length === 0) return undefined;
  return {
    state: "warn",
    subject: "bridges",
    found: `${on.join(" and ")} is 1: diverted connections that arrive by a bridge (${bridges.join(", ")}) are reset`,
    advice: `sysctl -w ${on.map((name) => `${name}=0`).join(" ")}`,
  };
}
