import assert from "node:assert/strict";
import { test } from "node:test";
import { ServiceNames } from "../../../../src/config/service-names.js";
import { SystemNames } from "../../../../src/control/ipvsadm/names.js";
import { takeSocketOption } from "../../../../src/control/ipvsadm/socket-option.js";

const SERVICES = new ServiceNames(
  "# comment\nhttp\t80/tcp\twww # World Wide Web\nwebcache 80/tcp\nhttp 8000/tcp\ndomain 53/tcp\ndomain 53/udp\nbroken\nodd x/tcp\n",
);

test("a service has the port of its protocol, by name or alias, of the first line that has it", () => {
  assert.equal(SERVICES.portOf("http", "tcp"), 80);
  assert.equal(SERVICES.portOf("www", "tcp"), 80);
  assert.equal(SERVICES.portOf("http", "udp"), undefined);
  assert.equal(SERVICES.portOf("domain", "udp"), 53);
  assert.equal(SERVICES.portOf("broken", "tcp"), undefined);
  assert.equal(SERVICES.portOf("odd", "tcp"), undefined);
});

test("a port has the name of the first line that has it", () => {
  assert.equal(SERVICES.serviceOf(80, "tcp"), "http");
  assert.equal(SERVICES.serviceOf(80, "udp"), undefined);
  assert.equal(SERVICES.serviceOf(0, "tcp"), undefined);
});

test("this host knows http, localhost, and no empty name", async () => {
  const names = new SystemNames();
  assert.equal(names.portOf("http", "tcp"), 80);
  assert.equal(names.portOf("http", "udp"), undefined);
  assert.equal(await names.addressOf("localhost"), "127.0.0.1");
  assert.equal(await names.addressOf(""), undefined);
});

test("a leading --socket is taken off, elsewhere it is none of ours", () => {
  assert.deepEqual(takeSocketOption(["--socket", "/s", "-L"]), { socket: "/s", argv: ["-L"] });
  assert.deepEqual(takeSocketOption(["--socket=/s", "-L"]), { socket: "/s", argv: ["-L"] });
  assert.deepEqual(takeSocketOption(["-L", "--socket", "/s"]), {
    socket: undefined,
    argv: ["-L", "--socket", "/s"],
  });
  assert.deepEqual(takeSocketOption(["--socket"]), { socket: undefined, argv: ["--socket"] });
});
