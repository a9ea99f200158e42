/**
 * Network namespaces on one machine, in the layout of LVS-NAT: a client and origin servers on one side, a director that is
 * the router, realservers behind it whose default route it is. Everything is removed by `destroy`, which must be called in
 * a `finally`. Needs root.
 *
 *   client 10.81.0.2 ── 10.81.0.1 director 10.82.0.1 ── 10.82.0.11 rs1, 10.82.0.12 rs2, ...
 *          fd81::2      fd81::1       │    fd82::1       fd82::11
 *                                     └─ 10.83.0.1 ── 10.83.0.2 origin (and 10.83.0.128 to .255)
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "./wait-for.js";

const NGINX = "/usr/sbin/nginx";
let labs = 0;

/** A network between the director and others: IPv4 `10.NUMBER.0.x`, IPv6 `fdNUMBER::x`. */
type Network = 81 | 82 | 83;

/** A namespace. */
export interface RouterLabHost {
  readonly name: string;
  readonly namespace: string;
}

/** See the file's head. */
export class RouterLab {
  readonly folder = mkdtempSync(join(tmpdir(), "uvs-router-lab-"));
  readonly client: RouterLabHost;
  readonly director: RouterLabHost;
  readonly origin: RouterLabHost;
  readonly realservers: readonly RouterLabHost[];
  readonly #prefix = `uvsr${process.pid}x${labs++}`;
  readonly #hosts: RouterLabHost[] = [];
  readonly #children: ChildProcess[] = [];

  /** @param realservers how many, named rs1, rs2, ... with 10.82.0.11, 10.82.0.12, ... */
  constructor(realservers: number) {
    this.director = this.#addHost("director");
    for (const network of [81, 82, 83] as const) this.#addBridge(network);
    this.run(this.director, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
    this.#keepBridgesPlain();
    this.client = this.#attach("client", 81, 2);
    this.origin = this.#attach("origin", 83, 2);
    // The origin is every host of the upper half of its network.
    this.run(this.origin, "ip", "route", "add", "local", "10.83.0.128/25", "dev", "lo");
    this.realservers = Array.from({ length: realservers }, (_, i) => this.#attach(`rs${i + 1}`, 82, 11 + i));
  }

  /** What runs a program in a host's namespace. */
  prefix({ namespace }: RouterLabHost): readonly string[] {
    return ["ip", "netns", "exec", namespace];
  }

  /** Runs a program in a host's namespace. @returns its output @throws Error where it fails */
  run(host: RouterLabHost, ...command: readonly string[]): string {
    const [program, ...args] = [...this.prefix(host), ...command];
    return execFileSync(program, args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 30_000,
    });
  }

  /** Runs JavaScript with Node in a host's namespace. @returns its output */
  script(host: RouterLabHost, text: string): string {
    return this.run(host, process.execPath, "--input-type=module", "-e", text);
  }

  /** Adds an address. @param prefix 10.81.0.100/24 */
  addAddress(host: RouterLabHost, prefix: string, device: string): void {
    this.run(host, "ip", "addr", "add", prefix, "dev", device, ...(prefix.includes(":") ? ["nodad"] : []));
  }

  /** Starts a program in a host's namespace; it is ended by `destroy`. */
  start(host: RouterLabHost, ...command: readonly string[]): void {
    const [program, ...args] = [...this.prefix(host), ...command];
    this.#children.push(spawn(program, args, { stdio: "ignore" }));
  }

  /** Starts nginx on a host's port 80; it answers its name, the client's address and port, and the host that was asked for. */
  async startNginx(host: RouterLabHost): Promise<void> {
    const folder = join(this.folder, host.name);
    mkdirSync(folder);
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
      .join(" ");
    writeFileSync(
      join(folder, "nginx.conf"),
      `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr; user root;
       events {}
       http { log_format client "$remote_addr"; access_log ${folder}/access.log client; ${temporary}
         server { listen 80; listen [::]:80;
           location / { return 200 "${host.name} $remote_addr $remote_port $host\\n"; } } }`,
    );
    this.start(host, NGINX, "-c", join(folder, "nginx.conf"), "-e", "stderr");
    await waitFor(`nginx listens on ${host.name}`, () => this.run(host, "ss", "-Hltn").includes(":80 "));
  }

  /** The client addresses that a host's nginx has logged. */
  logged(host: RouterLabHost): string[] {
    return readFileSync(join(this.folder, host.name, "access.log"), "utf8")
      .trim()
      .split("\n");
  }

  /** Ends what was started and removes the namespaces. */
  destroy(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    for (const { namespace } of this.#hosts) {
      for (const pid of execFileSync("ip", ["netns", "pids", namespace], { encoding: "utf8" }).split("\n")) {
        if (pid !== "") kill(Number(pid));
      }
      ip("netns", "del", namespace);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  #addHost(name: string): RouterLabHost {
    const host = { name, namespace: `${this.#prefix}-${name}` };
    ip("netns", "add", host.namespace);
    this.#hosts.push(host);
    // Duplicate address detection would keep addresses unusable for a second or two.
    this.run(host, "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0");
    this.run(host, "ip", "link", "set", "lo", "up");
    return host;
  }

  #addBridge(network: Network): void {
    const device = `net${network}`;
    this.run(this.director, "ip", "link", "add", device, "type", "bridge");
    this.run(this.director, "ip", "link", "set", device, "up");
    this.addAddress(this.director, `10.${network}.0.1/24`, device);
    this.addAddress(this.director, `fd${network}::1/64`, device);
  }

  /** With br_netfilter a packet meets the rules while it is in the bridge, and loses the socket that TPROXY gave it. */
  #keepBridgesPlain(): void {
    for (const name of ["iptables", "ip6tables"]) {
      const knob = `/proc/sys/net/bridge/bridge-nf-call-${name}`;
      this.run(this.director, "sh", "-c", `[ ! -e ${knob} ] || echo 0 >${knob}`);
    }
  }

  #attach(name: string, network: Network, number: number): RouterLabHost {
    const host = this.#addHost(name);
    const director = this.director.namespace;
    ip("-n", director, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", host.namespace);
    ip("-n", director, "link", "set", name, "master", `net${network}`, "up");
    this.run(host, "ip", "link", "set", "eth0", "up");
    this.addAddress(host, `10.${network}.0.${number}/24`, "eth0");
    this.addAddress(host, `fd${network}::${number}/64`, "eth0");
    this.run(host, "ip", "-4", "route", "add", "default", "via", `10.${network}.0.1`);
    this.run(host, "ip", "-6", "route", "add", "default", "via", `fd${network}::1`);
    return host;
  }
}

/** Why such labs with nginx cannot be made here; undefined: they can. */
export function nginxMissing(): string | undefined {
  try {
    execFileSync(NGINX, ["-v"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "nginx is not installed";
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}
