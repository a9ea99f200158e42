import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ServiceBook } from "../../../src/balancer/service-book.js";
import { type ErrorCode, UvsError } from "../../../src/core/errors.js";
import { DEFAULT_SETTINGS, type VirtualService } from "../../../src/core/model.js";
import { realserver, VIP } from "../../helpers/balancer-bench.js";

const web = (...addresses: string[]): VirtualService => ({
  id: VIP,
  settings: DEFAULT_SETTINGS,
  realservers: addresses.map((address) => realserver(address)),
});

function refusedWith(code: ErrorCode, attempt: () => void): void {
  assert.throws(attempt, (error) => error instanceof UvsError && error.code === code);
}

describe("service book", () => {
  test("what is refused changes nothing", () => {
    const book = new ServiceBook({ services: 2, realservers: 3 });
    book.add(web("10.77.2.1"));
    const before = book.services();
    refusedWith("EXISTS", () => book.add(web()));
    refusedWith("EXISTS", () => book.addRealserver(VIP, realserver("10.77.2.1")));
    refusedWith("NO_SERVER", () => book.editRealserver(VIP, realserver("10.77.2.9")));
    refusedWith("NO_SERVER", () => book.deleteRealserver(VIP, realserver("10.77.2.9")));
    refusedWith("NO_SCHEDULER", () => book.edit(VIP, { ...DEFAULT_SETTINGS, scheduler: "best" }));
    refusedWith("INVALID", () => book.addRealserver(VIP, realserver("10.77.2.2", { weight: -1 })));
    refusedWith("INVALID", () => book.addRealserver(VIP, realserver("10.77.02.2")));
    refusedWith("RANGE", () => book.addRealserver(VIP, realserver("10.77.2.2", { lowerThreshold: 5 })));
    refusedWith("EXISTS", () =>
      book.add({
        ...web("10.77.2.1", "10.77.2.1"),
        id: { ...VIP, protocol: "tcp", address: "10.77.0.101", port: 80 },
      }),
    );
    assert.deepEqual(book.services(), before);
  });

  test("deleted realservers and services make room within the limits", () => {
    const book = new ServiceBook({ services: 1, realservers: 2 });
    book.add(web("10.77.2.1", "10.77.2.2"));
    refusedWith("TOO_MANY", () => book.addRealserver(VIP, realserver("10.77.2.3")));
    book.deleteRealserver(VIP, realserver("10.77.2.1"));
    book.addRealserver(VIP, realserver("10.77.2.3"));
    book.delete(VIP);
    book.add(web("10.77.2.4", "10.77.2.5"));
    assert.equal(book.service(VIP).realservers.length, 2);
  });

  test("an address that is not in its canonical form is refused with that form", () => {
    const book = new ServiceBook({ services: 1, realservers: 2 });
    assert.throws(
      () => book.add({ ...web(), id: { protocol: "tcp", address: "fd77:0::1", port: 80 } }),
      /found "fd77:0::1", accepted is its canonical form fd77::1/,
    );
  });

  test("changes of a copy do not show in the original", () => {
    const book = new ServiceBook({ services: 1, realservers: 2 });
    book.add(web("10.77.2.1"));
    const copy = book.copy();
    copy.addRealserver(VIP, realserver("10.77.2.2"));
    copy.edit(VIP, { ...DEFAULT_SETTINGS, scheduler: "rr" });
    assert.deepEqual(book.services(), [web("10.77.2.1")]);
    refusedWith("TOO_MANY", () => copy.addRealserver(VIP, realserver("10.77.2.3")));
  });
});
