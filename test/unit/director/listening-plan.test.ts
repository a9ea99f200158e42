import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatEndpoint } from "../../../src/core/address.js";
import {
  DEFAULT_REALSERVER,
  DEFAULT_SETTINGS,
  type ServiceId,
  serviceKey,
  type VirtualService,
} from "../../../src/core/model.js";
import { planListening } from "../../../src/director/listening-plan.js";

const VIP = "10.77.0.100";
const ALL: ServiceId = { protocol: "tcp", address: VIP, port: 0 };
const WEB: ServiceId = { protocol: "tcp", address: VIP, port: 80 };
const MARK: ServiceId = { fwmark: 8, family: 4 };

function service(id: ServiceId, ...ports: number[]): VirtualService {
  const listenOn = ports.map((port) => ({ address: VIP, port }));
  return { id, settings: { ...DEFAULT_SETTINGS, ...(ports.length > 0 && { listenOn }) }, realservers: [] };
}

/** `10.77.0.100:80 -> fwmark://8`, one line a socket. */
function listenersOf(...services: VirtualService[]): string[] {
  const { listeners } = planListening(services);
  return [...listeners.values()].map(
    ({ endpoint, serviceId }) => `${formatEndpoint(endpoint)} -> ${serviceKey(serviceId)}`,
  );
}

describe("listening plan", () => {
  test("a service listens on its own address and port, TCP and UDP apart; SCTP is not listened on", () => {
    const http3 = { ...WEB, protocol: "udp" } as const;
    const sctp = { ...WEB, protocol: "sctp" } as const;
    const plan = planListening([service(WEB), service(http3), service(sctp)]);
    assert.deepEqual(
      [...plan.listeners].map(([key, { transport }]) => [key, transport]),
      [
        [`${VIP}:80`, "tcp"],
        [`udp://${VIP}:80`, "udp"],
      ],
    );
  });

  test("a socket goes to the mark, then to the exact port, then to the service of all ports", () => {
    const all = service(ALL, 80, 81, 82);
    const mark = service(MARK, 81, 80);
    assert.deepEqual(listenersOf(mark, service(WEB), all), [
      `${VIP}:80 -> fwmark://8`,
      `${VIP}:81 -> fwmark://8`,
      `${VIP}:82 -> tcp://${VIP}:0`,
    ]);
    assert.deepEqual(listenersOf(service(WEB), all), [
      `${VIP}:80 -> tcp://${VIP}:80`,
      `${VIP}:81 -> tcp://${VIP}:0`,
      `${VIP}:82 -> tcp://${VIP}:0`,
    ]);
  });

  test("a mark's members of UDP have sockets of UDP, a service of all UDP ports too", () => {
    const mark = service(MARK, 53);
    const members = [
      ...(mark.settings.listenOn ?? []),
      { address: VIP, port: 53, transport: "udp" as const },
    ];
    const both = { ...mark, settings: { ...mark.settings, listenOn: members } };
    const plan = planListening([both, service({ ...ALL, protocol: "udp" }, 53, 54)]);
    assert.deepEqual(
      [...plan.listeners].map(([key, { transport, serviceId }]) => [key, transport, serviceKey(serviceId)]),
      [
        [`udp://${VIP}:53`, "udp", "fwmark://8"],
        [`udp://${VIP}:54`, "udp", `udp://${VIP}:0`],
        [`${VIP}:53`, "tcp", "fwmark://8"],
      ],
    );
    assert.deepEqual(plan.diversions, []);
  });

  test("what lists nothing is diverted: all under the mark, all ports but those with a service of their own", () => {
    const other = { ...WEB, address: "10.77.0.101" };
    const dns = { ...WEB, protocol: "udp", port: 53 } as const;
    const allUdp = { ...ALL, protocol: "udp" } as const;
    const ids = [ALL, WEB, other, MARK, dns, allUdp];
    const { diversions } = planListening(ids.map((id) => service(id)));
    assert.deepEqual(diversions, [
      { serviceId: MARK, traffic: { transport: "tcp", family: 4, mark: 8 } },
      { serviceId: MARK, traffic: { transport: "udp", family: 4, mark: 8 } },
      { serviceId: ALL, traffic: { transport: "tcp", address: VIP, exceptPorts: [80] } },
      { serviceId: allUdp, traffic: { transport: "udp", address: VIP, exceptPorts: [53] } },
    ]);
  });

  test("what lists its members or ports is not diverted", () => {
    assert.deepEqual(planListening([service(ALL, 21), service(MARK, 80)]).diversions, []);
  });

  test("a service that intercepts has no socket of its own address, and takes what nobody else does", () => {
    const at = (port: number): ServiceId => ({ protocol: "tcp", address: "0.0.0.0", port });
    const rip = { ...DEFAULT_REALSERVER, address: "10.77.2.2", port: 80 };
    const caches = [
      rip,
      { ...rip, port: 81 },
      { ...rip, address: "10.77.2.1" },
      { ...rip, address: "fd77::1" },
    ];
    const intercept = (port: number): VirtualService => ({
      id: at(port),
      settings: { ...DEFAULT_SETTINGS, intercept: { bypass: false } },
      realservers: caches,
    });
    const { listeners, diversions } = planListening([intercept(0), intercept(80), service(MARK)]);
    assert.equal(listeners.size, 0);
    const exceptFrom = ["10.77.2.1", "10.77.2.2"];
    assert.deepEqual(
      diversions.map(({ traffic }) => traffic),
      [
        { transport: "tcp", family: 4, mark: 8 },
        { transport: "udp", family: 4, mark: 8 },
        { transport: "tcp", family: 4, port: 80, exceptFrom },
        { transport: "tcp", family: 4, port: 0, exceptFrom },
      ],
    );
  });

  test("it knows the addresses that clients speak to, each once; 0.0.0.0 and :: are none", () => {
    const at = (address: string, port: number) => service({ protocol: "tcp", address, port });
    const services = [at("fd77::1", 80), service(WEB), at(VIP, 443), at("0.0.0.0", 81), at("::", 81)];
    assert.deepEqual(planListening(services).addresses, [VIP, "fd77::1"]);
  });

  test("answers are brought back for the families that have transparent services", () => {
    const transparent = (id: ServiceId): VirtualService => ({
      ...service(id),
      settings: { ...DEFAULT_SETTINGS, transparent: true },
    });
    assert.deepEqual(planListening([service(WEB)]).returns, []);
    assert.deepEqual(planListening([transparent(WEB)]).returns, [4]);
    assert.deepEqual(
      planListening([transparent({ fwmark: 8, family: 6 }), transparent(WEB)]).returns,
      [4, 6],
    );
  });
});
