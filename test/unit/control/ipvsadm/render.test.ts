/** Columns that the recordings do not show; expectations are what ipvsadm 1.31 prints. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ListChoice } from "../../../../src/control/ipvsadm/command.js";
import { namedText, numericText } from "../../../../src/control/ipvsadm/labels.js";

import {
  renderSave,
  renderService,
  renderServices,
} from "../../../../src/control/ipvsadm/render-services.js";
import { renderConnections } from "../../../../src/control/ipvsadm/render-state.js";
import { DEFAULT_SETTINGS, serviceKey } from "../../../../src/core/model.js";
import type { RealserverStatus, ServiceStatus, TrafficTotals } from "../../../../src/core/status.js";
import { GOLDEN_NAMES } from "../../../helpers/golden-names.js";

const NO_DURATIONS = { count: 0, p50Ms: 0, p99Ms: 0, maxMs: 0 };
const NO_TRAFFIC: TrafficTotals = { connections: 0, inPackets: 0, outPackets: 0, inBytes: 0, outBytes: 0 };
const PLAIN: ListChoice = { format: "plain", numeric: true, exact: false, sorted: true };

function server(address: string, settings: Partial<RealserverStatus> = {}): RealserverStatus {
  return {
    address,
    port: 443,
    weight: 1,
    forwarding: "masq",
    upperThreshold: 0,
    lowerThreshold: 0,
    active: 0,
    inactive: 0,
    persistent: 0,
    overloaded: false,
    totals: NO_TRAFFIC,
    rates: NO_TRAFFIC,
    connectTime: NO_DURATIONS,
    sessionTime: NO_DURATIONS,
    ...settings,
  };
}

function service(address: string, realservers: RealserverStatus[], totals = NO_TRAFFIC): ServiceStatus {
  const id = { protocol: "tcp", address, port: 443 } as const;
  return {
    id,
    key: serviceKey(id),
    settings: DEFAULT_SETTINGS,
    connections: 0,
    totals,
    rates: totals,
    realservers,
    leaving: [],
  };
}

const TUNNELS = [
  server("10.0.0.1", { forwarding: "route" }),
  server("10.0.0.2", { forwarding: "tunnel", tunnel: { type: "gue", port: 6080, checksum: "csum" } }),
  server("10.0.0.3", { forwarding: "tunnel", tunnel: { type: "gue", port: 6080, checksum: "remcsum" } }),
  server("10.0.0.4", { forwarding: "tunnel", tunnel: { type: "ipip", checksum: "none" } }),
  server("10.0.0.5", { forwarding: "tunnel", tunnel: { type: "gre", checksum: "none" } }),
];

test("tunnels are listed with type, port and checksum", () => {
  const choice: ListChoice = { ...PLAIN, format: "tun-info" };
  assert.equal(
    renderService(service("192.0.2.10", TUNNELS), choice, numericText),
    [
      "Prot LocalAddress:Port Scheduler Flags",
      "  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn",
      "TCP  192.0.2.10:443 wlc",
      "  -> 10.0.0.1:443                 Route   n/a           1      0          0         ",
      "  -> 10.0.0.2:443                 Tunnel  gue:6080:+c   1      0          0         ",
      "  -> 10.0.0.3:443                 Tunnel  gue:6080:r+c  1      0          0         ",
      "  -> 10.0.0.4:443                 Tunnel  ipip          1      0          0         ",
      "  -> 10.0.0.5:443                 Tunnel  gre:-c        1      0          0         ",
      "",
    ].join("\n"),
  );
});

test("tunnels are saved as the options that make them again", () => {
  const lines = renderSave([service("192.0.2.10", TUNNELS)], numericText).split("\n");
  assert.deepEqual(
    lines.map((line) => line.replace(/^.*-r /, "")),
    [
      "-A -t 192.0.2.10:443 -s wlc",
      "10.0.0.1:443 -g -w 1",
      "10.0.0.2:443 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum",
      "10.0.0.3:443 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum",
      "10.0.0.4:443 -i -w 1 --tun-type ipip",
      "10.0.0.5:443 -i -w 1 --tun-type gre --tun-nocsum",
      "",
    ],
  );
});

const LARGE: TrafficTotals = {
  connections: 99999999,
  inPackets: 100000000,
  outPackets: 45678901234,
  inBytes: 99999999999999,
  outBytes: 987654321098765,
};

test("large numbers turn to K, M, G and T, and stay in full with --exact", () => {
  const row = (exact: boolean): string =>
    renderService(service("192.0.2.10", [], LARGE), { ...PLAIN, format: "stats", exact }, numericText).split(
      "\n",
    )[2];
  assert.equal(row(false), "TCP  192.0.2.10:443               99999999  100000K   45678M   99999G     987T");
  assert.equal(
    row(true),
    "TCP  192.0.2.10:443               99999999 100000000 45678901234 99999999999999 987654321098765",
  );
});

test("addresses are ordered by signed 32-bit differences", () => {
  const addresses = ["10.0.0.1", "192.0.2.1", "fd77::1", "10.0.0.2"];
  const listing = renderServices(
    addresses.map((address) => service(address, [])),
    PLAIN,
    numericText,
  );
  const listed = [...listing.matchAll(/^TCP {2}\[?([^\]\s]+?)\]?:443/gm)].map(([, address]) => address);
  assert.deepEqual(listed, ["192.0.2.1", "10.0.0.1", "10.0.0.2", "fd77::1"]);
});

test("each address is looked up once", async () => {
  const asked: string[] = [];
  const resolver = {
    ...GOLDEN_NAMES,
    nameOf: async (address: string) => {
      asked.push(address);
      return undefined;
    },
    serviceOf: () => undefined,
  };
  const endpoints = ["10.0.0.1", "10.0.0.2", "10.0.0.1"].map((address) => ({ address, port: 80 }));
  const text = await namedText(endpoints, resolver);
  assert.deepEqual(asked, ["10.0.0.1", "10.0.0.2"]);
  assert.equal(text(endpoints[0], "tcp"), "10.0.0.1:80");
});

test("what a persistence engine has found is shown when asked for", () => {
  const template = {
    protocol: "udp",
    expiresSec: 111,
    state: "ASSURED",
    client: { address: "203.0.113.8", port: 0 },
    virtual: { address: "192.0.2.12", port: 5060 },
    realserver: { address: "10.0.0.1", port: 5060 },
    engine: { name: "sip", data: "1234abcd@host" },
  } as const;
  const [, title, row] = renderConnections([template], true, numericText).split("\n");
  assert.equal(
    title,
    "pro expire state       source             virtual            destination        pe name          pe_data",
  );
  assert.equal(
    row,
    "UDP 01:51  ASSURED     203.0.113.8:0      192.0.2.12:5060    10.0.0.1:5060    sip                1234abcd@host",
  );
});
