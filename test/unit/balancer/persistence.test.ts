/** The kernel's rules of persistence templates: ip_vs_core.c, ip_vs_conn.c, and what golden/recordings/FINDINGS.md tells. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Ending, Verdict } from "../../../src/core/dispatch.js";
import type { ServiceId } from "../../../src/core/model.js";
import { TemplateBench } from "../../helpers/template-bench.js";

describe("persistence", () => {
  test("every client stays on its realserver, new ones are scheduled", () => {
    const bench = new TemplateBench();
    const clients = ["10.77.1.1", "10.77.1.2", "10.77.1.3", "10.77.1.4"];
    const expected = ["10.77.2.3", "10.77.2.2", "10.77.2.1", "10.77.2.3"];
    for (let round = 0; round < 3; round++) {
      assert.deepEqual(
        clients.map((client) => bench.choose(client)),
        expected,
      );
    }
    assert.deepEqual(bench.persistent(), [1, 1, 2]);
  });

  test("a dotted netmask makes one client of a net (persist-mask)", () => {
    const bench = new TemplateBench({ netmask: "255.255.255.0" });
    const clients = ["10.77.1.1", "10.77.1.9", "10.77.3.1", "10.77.3.7", "10.77.4.2", "10.77.1.30"];
    const expected = ["10.77.2.3", "10.77.2.3", "10.77.2.2", "10.77.2.2", "10.77.2.1", "10.77.2.3"];
    assert.deepEqual(
      clients.map((client) => bench.choose(client)),
      expected,
    );
    assert.equal(bench.listed()[0], "10.77.1.0 -> 10.77.2.3 ASSURED");
  });

  test("an IPv6 prefix length makes one client of a net, also where it ends within a word", () => {
    for (const [netmask, far] of [
      [64, "fd77:3::1"],
      [36, "fd77:1000::1"],
      [128, "fd77:1::3"],
    ] as const) {
      const bench = new TemplateBench({ netmask, id: { protocol: "tcp", address: "fd77::100", port: 80 } });
      const [first, second] = netmask === 128 ? ["fd77:1::1", "fd77:1::1"] : ["fd77:1::1", "fd77:1::2"];
      assert.equal(bench.choose(first), bench.choose(second));
      assert.notEqual(bench.choose(first), bench.choose(far), `/${netmask}`);
    }
  });

  test("a template is assured once a connection under it was established", () => {
    const bench = new TemplateBench();
    bench.dispatch("10.77.1.1", bench.service);
    assert.deepEqual(bench.listed(), ["10.77.1.1 -> 10.77.2.3 NONE"]);
    bench.connect("10.77.1.1");
    assert.deepEqual(bench.listed(), ["10.77.1.1 -> 10.77.2.3 ASSURED"]);
  });

  test("the time-out begins anew with each new connection, and with nothing else", () => {
    const bench = new TemplateBench({ timeoutSec: 300 });
    bench.close(bench.connect("10.77.1.1"), Ending.RESET);
    bench.passSeconds(290);
    bench.close(bench.connect("10.77.1.1"), Ending.RESET);
    bench.passSeconds(299);
    assert.equal(bench.rows().length, 1);
    bench.passSeconds(1.5);
    assert.equal(bench.rows().length, 0);
    assert.deepEqual(bench.persistent(), [0, 0, 0]);
  });

  test("while a connection is open the template is put off by 60 s again and again (persist-expiry-open)", () => {
    const bench = new TemplateBench({ timeoutSec: 3 });
    const connection = bench.connect("10.77.1.1");
    bench.passSeconds(3600);
    assert.equal(bench.choose("10.77.1.1"), "10.77.2.3");
    assert.deepEqual(
      bench.rows().map(({ open, timeoutTicks }) => [open, timeoutTicks]),
      [[2, 240]],
      "its time-out is 60 s from then on",
    );
    bench.close(connection);
    assert.equal(bench.rows().length, 1);
  });

  test("TIME_WAIT counts as a connection: -p 5 and an ordinary close last 125 s", () => {
    const bench = new TemplateBench({ timeoutSec: 5 });
    bench.close(bench.connect("10.77.1.1"));
    bench.passSeconds(124.5);
    assert.equal(bench.rows().length, 1);
    bench.passSeconds(2);
    assert.equal(bench.rows().length, 0);
  });

  test("a reset counts for 10 s: -p 5 and a reset last 65 s, -p 15 only 15 s", () => {
    const short = new TemplateBench({ timeoutSec: 5 });
    short.close(short.connect("10.77.1.1"), Ending.RESET);
    short.passSeconds(64);
    assert.equal(short.rows().length, 1);
    short.passSeconds(2);
    assert.equal(short.rows().length, 0);
    const long = new TemplateBench({ timeoutSec: 15 });
    long.close(long.connect("10.77.1.1"), Ending.RESET);
    long.passSeconds(16);
    assert.equal(long.rows().length, 0);
  });

  test("a time-out that was put off stays 60 s, also for connections that come later", () => {
    const bench = new TemplateBench({ timeoutSec: 300 });
    const long = bench.connect("10.77.1.1");
    bench.passSeconds(310);
    bench.close(long, Ending.RESET);
    bench.close(bench.connect("10.77.1.1"), Ending.RESET);
    bench.passSeconds(59);
    assert.equal(bench.rows().length, 1);
    bench.passSeconds(2);
    assert.equal(bench.rows().length, 0);
  });

  test("the timeline of the reference: 0, 290, closed at 640, gone at 770", () => {
    const bench = new TemplateBench({ timeoutSec: 300 });
    bench.close(bench.connect("10.77.1.1"), Ending.RESET);
    bench.passSeconds(290);
    const second = bench.connect("10.77.1.1");
    bench.passSeconds(350);
    bench.close(second);
    bench.passSeconds(129);
    assert.equal(bench.rows().length, 1, "at 769 s");
    bench.passSeconds(2.5);
    assert.equal(bench.rows().length, 0, "at 771.5 s");
  });

  test("another time-out of the service leaves templates as they are (persist-edit)", () => {
    const bench = new TemplateBench({ timeoutSec: 100 });
    bench.connect("10.77.1.1");
    bench.setPersistence({ timeoutSec: 7, netmask: "255.255.255.255" });
    assert.equal(bench.choose("10.77.1.1"), "10.77.2.3");
    assert.equal(bench.rows()[0].timeoutTicks, 400);
  });

  test("another netmask is another key, and none at all schedules at once (persist-edit)", () => {
    const bench = new TemplateBench({ timeoutSec: 100 });
    bench.connect("10.77.1.1");
    bench.connect("10.77.1.2");
    bench.setPersistence({ timeoutSec: 7, netmask: "255.255.0.0" });
    assert.deepEqual(
      ["10.77.1.1", "10.77.1.2", "10.77.1.3"].map((client) => bench.choose(client)),
      ["10.77.2.1", "10.77.2.1", "10.77.2.1"],
    );
    bench.setPersistence(undefined);
    assert.equal(bench.choose("10.77.1.1"), "10.77.2.3");
    assert.equal(bench.choose("10.77.1.1"), "10.77.2.2");
    assert.equal(bench.rows().length, 3, "templates stay until they end");
  });

  test("no template is made where no realserver is available, and none for the sorry server", () => {
    const bench = new TemplateBench({ servers: 0 });
    assert.equal(bench.connect("10.77.1.1"), Verdict.NO_SERVER);
    bench.table.editService(bench.id, {
      ...bench.table.service(bench.id).settings,
      sorry: { address: "127.0.0.1", port: 80 },
    });
    const sorry = bench.connect("10.77.1.1");
    assert.equal(bench.nameOf(sorry), Verdict.SORRY);
    bench.close(sorry);
    assert.deepEqual(bench.rows(), []);
  });

  test("a service of all ports keeps the port that the client addressed, also with a realserver's port", () => {
    const all: ServiceId = { protocol: "tcp", address: "10.77.0.100", port: 0 };
    const mark: ServiceId = { fwmark: 8, family: 4 };
    for (const id of [all, mark]) {
      const bench = new TemplateBench({ id });
      const ports = [80, 443].map((port) => {
        bench.dispatcher.request.destinationPort = port;
        return `${bench.choose("10.77.1.1")}:${bench.dispatcher.target.port}`;
      });
      assert.deepEqual(ports, ["10.77.2.3:80", "10.77.2.3:443"]);
    }
  });

  test("two services have their own templates for the same client", () => {
    const bench = new TemplateBench();
    const other: ServiceId = { protocol: "tcp", address: "10.77.0.101", port: 80 };
    bench.addService("rr", { persistence: { timeoutSec: 300, netmask: "255.255.255.255" } }, other);
    bench.addServer("10.77.2.9", {}, other);
    assert.equal(bench.choose("10.77.1.1"), "10.77.2.3");
    assert.equal(bench.nameOf(bench.connect("10.77.1.1", other)), "10.77.2.9");
    assert.equal(bench.choose("10.77.1.1"), "10.77.2.3");
  });
});
