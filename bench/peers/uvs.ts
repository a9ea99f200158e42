/** uvs itself with one thread, on the native or on the portable data plane. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SMALL_PATH } from "../realserver/realserver.js";
import { text } from "../system/loopback.js";
import type { Peer, Route } from "./peer.js";

export const uvsNative = uvs("native");
export const uvsNet = uvs("net");
/** Sends each realserver a PROXY protocol header of version 2. */
export const uvsProxyV2 = uvs("native", { name: "v2", header: "v2" });
/** Writes a record of each connection to a file. */
export const uvsAccessLog = uvs("native", { name: "access-log", accessLog: true });
/** Looks for a persistence template at each connection. */
export const uvsPersistent = uvs("native", { name: "persistent", persistence: "300s" });

/** The service is UDP. */
export const uvsUdp = uvs("native", { name: "udp", protocol: "udp" });

/** What is switched on. */
interface Variant {
  readonly name: string;
  /** Version of the header to the realservers. */
  readonly header?: "v2";
  readonly accessLog?: boolean;
  /** @default "tcp" */
  readonly protocol?: "udp";
  /** Time-out of persistence templates. */
  readonly persistence?: string;
}

function uvs(dataplane: "native" | "net", variant?: Variant): Peer {
  const name = ["uvs", dataplane, ...(variant ? [variant.name] : [])].join("-");
  // The director that was compiled together with this file.
  const program = fileURLToPath(new URL("../../src/bin/uvsd.js", import.meta.url));
  const socketIn = (directory: string): string => join(directory, `${name}.sock`);
  return {
    name,
    unavailable: () => (existsSync(program) ? undefined : `${program} does not exist`),
    prepare(directory, route) {
      const file = join(directory, `${name}.yaml`);
      const log = variant?.accessLog ? join(directory, "access.log") : undefined;
      writeFileSync(file, configuration(dataplane, route, variant, log));
      return [process.execPath, program, "-c", file, "--socket", socketIn(directory)];
    },
    control: socketIn,
  };
}

function configuration(
  dataplane: string,
  { vip, realservers, proxied, isChecked }: Route,
  variant: Variant | undefined,
  log: string | undefined,
): string {
  const header = variant?.header;
  const more = header === undefined ? "" : `, proxy-protocol: ${header}`;
  return `dataplane: ${dataplane}
threads: 1
${log ? `access-log: { file: ${JSON.stringify(log)} }` : ""}
services:
  - listen: ${variant?.protocol ?? "tcp"}://${text(vip)}
    scheduler: rr
${isChecked ? `    health: { type: http, path: ${SMALL_PATH}, interval: 1s }` : ""}
${variant?.persistence ? `    persistence: { timeout: ${variant.persistence} }` : ""}
    realservers:
${(header ? proxied : realservers).map((server) => `      - { address: "${text(server)}"${more} }`).join("\n")}
`;
}
