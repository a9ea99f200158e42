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
export const uvsProxyV2 = uvs("native", "v2");
/** The service is UDP. */
export const uvsUdp = uvs("native", "udp");

function uvs(dataplane: "native" | "net", variant?: "v2" | "udp"): Peer {
  const name = ["uvs", dataplane, ...(variant ? [variant] : [])].join("-");
  // The director that was compiled together with this file.
  const program = fileURLToPath(new URL("../../src/bin/uvsd.js", import.meta.url));
  const socketIn = (directory: string): string => join(directory, `${name}.sock`);
  return {
    name,
    unavailable: () => (existsSync(program) ? undefined : `${program} does not exist`),
    prepare(directory, route) {
      const file = join(directory, `${name}.yaml`);
      writeFileSync(file, configuration(dataplane, route, variant));
      return [process.execPath, program, "-c", file, "--socket", socketIn(directory)];
    },
    control: socketIn,
  };
}

function configuration(
  dataplane: string,
  { vip, realservers, proxied, isChecked }: Route,
  variant: string | undefined,
): string {
  const header = variant === "v2" ? variant : undefined;
  const more = header === undefined ? "" : `, proxy-protocol: ${header}`;
  return `dataplane: ${dataplane}
threads: 1
services:
  - listen: ${variant === "udp" ? "udp" : "tcp"}://${text(vip)}
    scheduler: rr
${isChecked ? `    health: { type: http, path: ${SMALL_PATH}, interval: 1s }` : ""}
    realservers:
${(header ? proxied : realservers).map((server) => `      - { address: "${text(server)}"${more} }`).join("\n")}
`;
}
