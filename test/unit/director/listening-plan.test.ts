import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatEndpoint } from "../../../src/core/address.js";
import {
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
  test("a service listens on its own address and port; UDP is not listened on", () => {
    const dns = { protocol: "udp", address: VIP, port: 53 } as const;
    assert.deepEqual(listenersOf(service(WEB), service(dns)), [`${VIP}:80 -> tcp://${VIP}:80`]);
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

  test("what lists nothing is diverted: marks by their mark, all ports but those with a service of their own", () => {
    const other = { ...WEB, address: "10.77.0.101" };
    const { diversions } = planListening([service(ALL), service(WEB), service(other), service(MARK)]);
    assert.deepEqual(diversions, [
      { serviceId: MARK, traffic: { family: 4, mark: 8 } },
      { serviceId: ALL, traffic: { address: VIP, exceptPorts: [80] } },
    ]);
  });

  test("what lists its members or ports is not diverted", () => {
    assert.deepEqual(planListening([service(ALL, 21), service(MARK, 80)]).diversions, []);
  });
});
