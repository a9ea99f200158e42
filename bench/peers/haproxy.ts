/** HAProxy with one thread, layer 4, splicing forced both ways: the peer that every ratio is taken against. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { SMALL_PATH } from "../realserver/realserver.js";
import { text } from "../system/loopback.js";
import { which } from "../system/which.js";
import type { Peer, Route } from "./peer.js";

export const haproxy: Peer = {
  name: "haproxy",
  unavailable: () => (which("haproxy") === undefined ? "not installed (apt-get install haproxy)" : undefined),
  prepare(directory, route) {
    const file = join(directory, "haproxy.cfg");
    writeFileSync(file, configuration(route));
    // -db: in the foreground, without a master process.
    return [which("haproxy") ?? "haproxy", "-db", "-f", file];
  },
};

function configuration({ vip, realservers, isChecked }: Route): string {
  return `global
  nbthread 1
  maxconn 10000
  no strict-limits

defaults
  mode tcp
  timeout connect 5s
  timeout client 15m
  timeout server 15m
  option splice-request
  option splice-response

listen vip
  bind ${text(vip)}
  balance roundrobin
${isChecked ? `  option httpchk GET ${SMALL_PATH}\n  default-server check inter 1s` : ""}
${realservers.map((server, index) => `  server rs${index + 1} ${text(server)}`).join("\n")}
`;
}
