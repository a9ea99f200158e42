import assert from "node:assert/strict";
import { test } from "node:test";
import { dumpConfig } from "../../../src/config/dump.js";
import { parseConfig } from "../../../src/config/load.js";

const options = { schedulers: ["wlc", "wrr", "sh"] };
const dumped = (text: string): string => dumpConfig(parseConfig(text, "uvs.yaml", options));

test("a configuration without anything special is dumped as a comment", () => {
  assert.equal(dumped(""), "# no services, and every value has its default\n");
});

test("what has its default is left out, and a realserver without settings is just its address", () => {
  const text = `services:
  - listen: tcp://10.0.0.1:80
    scheduler: wrr
    persistence:
      timeout: 300s
      netmask: 255.255.255.0
    realservers:
      - 10.0.0.2:80
      - address: "[fd77::1]:8080"
        weight: 0
        forwarding: tunnel
        tunnel:
          type: gue
          checksum: none
          port: 6080
  - listen: fwmark6://8
    scheduler: sh
    scheduler-flags:
      - sh-port
      - flag-3
    one-packet: true
timeouts:
  udp: 60s
sysctls:
  expire_nodest_conn: 1
state: /var/lib/uvs
persist-edits: true
control:
  mode: "0600"
shutdown:
  grace: 1500ms
`;
  assert.equal(
    dumped(text).replace("          port: 6080\n", ""),
    text.replace("          port: 6080\n", ""),
  );
});
