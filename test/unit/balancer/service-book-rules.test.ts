import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceBook } from "../../../src/balancer/service-book.js";
import { DEFAULT_REALSERVER, DEFAULT_SETTINGS, type Realserver } from "../../../src/core/model.js";

const WEB = { protocol: "tcp", address: "10.0.0.1", port: 80 } as const;
const LIMITS = { services: 4, realservers: 8 };

function book(strictForwarding = false): ServiceBook {
  const services = new ServiceBook(LIMITS, { strictForwarding });
  services.add({ id: WEB, settings: DEFAULT_SETTINGS, realservers: [] });
  return services;
}

function realserver(address: string, over: Partial<Realserver> = {}): Realserver {
  return { ...DEFAULT_REALSERVER, forwarding: "masq", address, port: 80, ...over };
}

for (const address of ["0.0.0.0", "0.1.2.3", "224.0.0.5", "255.255.255.255", "::", "ff02::1", "fe80::1"]) {
  test(`a realserver ${address} is refused: no connection can go there`, () => {
    assert.throws(() => book().addRealserver(WEB, realserver(address)), {
      code: "INVALID",
      message: `realserver address: found "${address}", accepted is a unicast address`,
    });
  });
}

for (const address of ["1.0.0.1", "127.0.0.1", "223.255.255.255", "::1", "fd77::1", "2001:db8::1"]) {
  test(`a realserver ${address} is accepted`, () => {
    const services = book();
    services.addRealserver(WEB, realserver(address));
    assert.equal(services.service(WEB).realservers[0].address, address);
  });
}

test("a persistence engine that there is not is refused as NO_SCHEDULER, as the kernel does", () => {
  const services = book();
  services.edit(WEB, { ...DEFAULT_SETTINGS, persistenceEngine: "sip" });
  assert.throws(() => services.edit(WEB, { ...DEFAULT_SETTINGS, persistenceEngine: "sop" }), {
    code: "NO_SCHEDULER",
    message: 'persistenceEngine: found "sop", accepted is one of sip',
  });
});

test("a mark lists an address and port once for TCP and once for UDP, which reads no headers of clients", () => {
  const services = book();
  const id = { fwmark: 8, family: 4 } as const;
  const endpoint = { address: "10.0.0.1", port: 53 };
  const both = { ...DEFAULT_SETTINGS, listenOn: [endpoint, { ...endpoint, transport: "udp" as const }] };
  const acceptProxy = { from: ["10.0.0.0/8"], others: "plain", timeoutMs: 5000, maxHeader: 536 } as const;
  assert.throws(() => services.add({ id, settings: { ...both, acceptProxy }, realservers: [] }), {
    code: "INVALID",
    message: "acceptProxy: found with members of UDP, accepted are members of TCP with it",
  });
  services.add({ id, settings: both, realservers: [] });
  const other = { id: { fwmark: 9, family: 4 }, settings: both, realservers: [] } as const;
  assert.throws(() => services.add(other), {
    code: "INVALID",
    message: "listenOn: found 10.0.0.1:53, which fwmark://8 lists already",
  });
});

test("only members of a mark say whether they are TCP or UDP", () => {
  const settings = {
    ...DEFAULT_SETTINGS,
    listenOn: [{ address: "10.0.0.1", port: 53, transport: "udp" as const }],
  };
  const id = { protocol: "udp", address: "10.0.0.1", port: 0 } as const;
  assert.throws(() => book().add({ id, settings, realservers: [] }), {
    code: "INVALID",
    message: "listenOn: found a transport, accepted is one for members of a mark",
  });
});

for (const forwarding of ["route", "tunnel"] as const) {
  test(`with strict forwarding a realserver by ${forwarding} is refused wherever it comes from`, () => {
    const services = book(true);
    const server = realserver("10.0.0.2", { forwarding });
    const refusal = {
      code: "UNSUPPORTED",
      message: new RegExp(`^forwarding: found ${forwarding}, accepted is masq:`),
    };
    assert.throws(() => services.addRealserver(WEB, server), refusal);
    services.addRealserver(WEB, { ...server, forwarding: "masq" });
    assert.throws(() => services.editRealserver(WEB, server), refusal);
    const other = {
      id: { fwmark: 8, family: 4 },
      settings: DEFAULT_SETTINGS,
      realservers: [server],
    } as const;
    assert.throws(() => services.add(other), refusal);
    assert.throws(() => services.copy().editRealserver(WEB, server), refusal);
    book(false).addRealserver(WEB, server);
  });
}
