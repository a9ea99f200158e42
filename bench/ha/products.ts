/** The two programs that are compared: the same virtual router, the same floating address, the same timers. */
import { type ChildProcess, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ControlClient } from "../../src/control/client.js";
import type { LabHost, VrrpLab } from "../../test/helpers/vrrp-lab.js";
import { repository } from "../system/repository.js";
import { which } from "../system/which.js";

/** The floating address of all runs. */
export const ADDRESS = "10.79.0.100";

/** Version and interval of advertisements. */
export interface Timing {
  readonly name: string;
  readonly version: 2 | 3;
  readonly advertMs: number;
  /** Runs that are set up together, so that they wait for their masters at the same time; one happens after the other. */
  readonly together: number;
}

/** What is asked of one director. */
export interface Role {
  readonly host: LabHost;
  readonly priority: number;
  readonly timing: Timing;
  /** Address of the other director, where it is of the same product: they hand over. */
  readonly peer: string | undefined;
}

/** A running director. */
export interface Running {
  readonly child: ChildProcess;
  /** The end of what it has written. */
  output(): string;
  /** Ends it politely; resolves when the process has ended. */
  stop(): Promise<void>;
}

/** A program that is compared. */
export interface Product {
  readonly name: "uvs" | "keepalived";
  /** Why it cannot run here; undefined: it can. */
  unavailable(): string | undefined;
  start(lab: VrrpLab, role: Role): Running;
  /** Whether it takes part, and is linked to its peer if it has one. */
  isReady(lab: VrrpLab, role: Pick<Role, "host" | "peer">, running: Running): Promise<boolean>;
  /** Lets another director be master, as an operator does; undefined: the product has no such thing. */
  standby?(lab: VrrpLab, host: LabHost): void;
}

const SYNC_PORT = 5694;
const KEY = "the key of the bench, which nobody else has";
const uvsd = join(repository, "dist/src/bin/uvsd.js");
const uvs = join(repository, "dist/src/bin/uvs.js");

export const uvsProduct: Product = {
  name: "uvs",
  unavailable: () => undefined,
  start(lab, { host, priority, timing, peer }) {
    const folder = mkdtempSync(join(lab.folder, `${host.name}-`));
    const keyFile = join(folder, "key");
    writeFileSync(keyFile, KEY, { mode: 0o600 });
    const sync = `
  sync: { node: ${host.name}, listen: "${host.address}:${SYNC_PORT}", peers: ["${peer}:${SYNC_PORT}"], key-file: ${keyFile} }`;
    const file = join(folder, "uvs.yaml");
    writeFileSync(
      file,
      `threads: 1
control: { socket: ${socketOf(lab, host)} }
state: ${folder}
ha:
  floating: [ { address: ${ADDRESS}/24, interface: eth0 } ]
  vrrp:
    - { id: 51, interface: eth0, version: ${timing.version}, priority: ${priority}, advertise: ${timing.advertMs}ms }${
      peer === undefined ? "" : sync
    }
`,
    );
    return running(lab.spawn(host, process.execPath, [uvsd, "-c", file]));
  },
  async isReady(lab, { host, peer }) {
    const { instances, sync } = await new ControlClient(socketOf(lab, host)).haStatus();
    const isLinked = sync?.receivers.length === 1 && sync.sources[0].state === "connected";
    return instances[0].state !== "INIT" && (peer === undefined || isLinked);
  },
  standby(lab, host) {
    lab.run(host, process.execPath, uvs, "--socket", socketOf(lab, host), "ha", "standby");
  },
};

export const keepalivedProduct: Product = {
  name: "keepalived",
  unavailable: () =>
    which("keepalived") === undefined
      ? "keepalived is not installed (apt-get install keepalived)"
      : undefined,
  start(lab, { host, priority, timing }) {
    const folder = mkdtempSync(join(lab.folder, `${host.name}-`));
    const file = join(folder, "keepalived.conf");
    writeFileSync(
      file,
      `vrrp_instance vi {
  state BACKUP
  interface eth0
  virtual_router_id 51
  version ${timing.version}
  priority ${priority}
  advert_int ${timing.advertMs / 1000}
  virtual_ipaddress {
    ${ADDRESS}/24 dev eth0
  }
}
`,
    );
    const pid = (kind: string): string => join(folder, `${kind}.pid`);
    const options = ["--dont-fork", "--log-console", "--vrrp", "--use-file", file];
    return running(
      lab.spawn(host, "keepalived", [...options, "--pid", pid("main"), "--vrrp_pid", pid("vrrp")]),
    );
  },
  isReady: async (_lab, _role, { output }) => /Entering (BACKUP|MASTER) STATE/.test(output()),
};

/** What a product calls itself. */
export function versionOf(product: Product): string {
  if (product.name === "uvs") return "this working tree";
  const found = spawnSync("keepalived", ["--version"], { encoding: "utf8" });
  return /Keepalived v(\S+)/.exec(`${found.stdout}${found.stderr}`)?.[1] ?? "unknown";
}

function socketOf(lab: VrrpLab, host: LabHost): string {
  return join(lab.folder, `${host.name}.sock`);
}

function running(child: ChildProcess): Running {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-20_000);
    });
  }
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  if (process.env["UVS_BENCH_LOG"]) child.once("exit", () => console.error(output));
  return {
    child,
    output: () => output,
    stop: () => {
      child.kill("SIGTERM");
      return ended;
    },
  };
}

/** Whether the compiled director is there. */
export function isBuilt(): boolean {
  return existsSync(uvsd);
}
