import assert from "node:assert/strict";
import { test } from "node:test";
import { parseConfig } from "../../../src/config/load.js";
import { createPortLookup } from "../../../src/config/port-names.js";
import { UvsError } from "../../../src/core/errors.js";
import { DEFAULT_REALSERVER, DEFAULT_SETTINGS, DEFAULT_TIMEOUTS } from "../../../src/core/model.js";
import { initialSysctls } from "../../../src/core/sysctls.js";

const options = {
  schedulers: ["rr", "wrr", "wlc", "sh", "mh"],
  portOf: createPortLookup("/nonexistent/services"),
};
const parse = (text: string) => parseConfig(text, "uvs.yaml", options);

/** The lines of the error that a text is refused with. */
function errorsOf(text: string): string[] {
  try {
    parse(text);
  } catch (error) {
    assert.ok(error instanceof UvsError, String(error));
    assert.equal(error.code, "CONFIG");
    assert.equal(error.side, "config");
    return error.message.split("\n");
  }
  return assert.fail("the text was accepted");
}

/** The lines of a file with one service, of which these lines follow its `listen` on line 2. */
const service = (...lines: string[]): string =>
  ["services:", "  - listen: tcp://10.0.0.1:80", ...lines.map((line) => `    ${line}`), ""].join("\n");

test("an empty file is a configuration with every default and no services", () => {
  assert.deepEqual(parse(""), {
    services: [],
    timeouts: DEFAULT_TIMEOUTS,
    sysctls: initialSysctls(),
    forwarding: "proxy",
    control: { socket: "/run/uvs/uvsd.sock", mode: 0o660 },
    dataplane: "auto",
    threads: "auto",
    limits: { connections: "auto", flows: "auto", services: 1024, realservers: 16384, templates: 1048576 },
    shutdown: { graceMs: 30_000 },
    log: { level: "info", format: "auto" },
  });
});

test("a list with nothing behind its key is empty", () => {
  assert.deepEqual(parse("services:\n").services, []);
  assert.deepEqual(parse(service("realservers:", "scheduler-flags:")).services[0].realservers, []);
});

test("a service of which only the listen is given has the settings that the model has as defaults", () => {
  assert.deepEqual(parse(service()).services, [
    { id: { protocol: "tcp", address: "10.0.0.1", port: 80 }, settings: DEFAULT_SETTINGS, realservers: [] },
  ]);
});

test("a realserver given as an address has the port of its service, weight 1 and masquerading", () => {
  const expected = { ...DEFAULT_REALSERVER, forwarding: "masq", address: "10.0.0.2", port: 80 };
  assert.deepEqual(parse(service("realservers: [10.0.0.2]")).services[0].realservers, [expected]);
});

test("scheduler flags become their bits", () => {
  const [{ settings }] = parse(
    service("scheduler: sh", "scheduler-flags: [sh-port, sh-fallback, flag-3]"),
  ).services;
  assert.equal(settings.schedulerFlags, 0x38);
});

test("a configuration survives a structured clone", () => {
  const config = parse(service("realservers: [10.0.0.2-3]", "sorry: 127.0.0.1:8080"));
  assert.deepEqual(structuredClone(config), config);
});

/** Texts with one error, and the line that they are refused with. */
const SINGLE_ERRORS: readonly [what: string, text: string, line: string | RegExp][] = [
  [
    "a file that is a list",
    "- a\n",
    "uvs.yaml:1:1: file: found a list, accepted is a mapping of services, timeouts, sysctls, forwarding, state, persist-edits, control, dataplane, threads, limits, shutdown, log, access-log, metrics, ha",
  ],
  [
    "an unknown key",
    service("realservers:", "  - { address: 10.0.0.2, wieght: 2 }"),
    "uvs.yaml:4:30: services[0].realservers[0].wieght: unknown key (did you mean weight?), accepted are address, weight, upper-threshold, lower-threshold, forwarding, tunnel, proxy-protocol",
  ],
  [
    "an unknown key that resembles none",
    service("colour: 300s"),
    /^uvs\.yaml:3:5: services\[0\]\.colour: unknown key, accepted are listen, mark, ports, /,
  ],
  [
    "a key that JavaScript gives a meaning to",
    "__proto__: { services: [] }\n",
    /^uvs\.yaml:1:1: __proto__: unknown key, accepted are /,
  ],
  [
    "a missing key",
    "services:\n  - scheduler: rr\n",
    /^uvs\.yaml:2:5: services\[0\]\.listen: missing, accepted is tcp:\/\/ADDRESS:PORT/,
  ],
  [
    "a duplicate key",
    service("scheduler: rr", "scheduler: wrr"),
    "uvs.yaml:4:5: services[0].scheduler: duplicate key, accepted is each key once",
  ],
  [
    "a service of an unknown protocol",
    "services:\n  - listen: dccp://10.0.0.1:53\n",
    /^uvs\.yaml:2:13: services\[0\]\.listen: found "dccp:\/\/10\.0\.0\.1:53" \(the protocol is unknown\), accepted is tcp/,
  ],
  [
    "a duplicate service, written in another way",
    `${service()}  - listen: TCP://10.0.0.1:http\n`,
    "uvs.yaml:3:13: services[1].listen: duplicate service: found tcp://10.0.0.1:80, which is services[0] already, accepted is each address and port once",
  ],
  [
    "an unknown scheduler",
    service("scheduler: wrrr"),
    'uvs.yaml:3:16: services[0].scheduler: found "wrrr" (did you mean wrr?), accepted is one of rr, wrr, wlc, sh, mh',
  ],
  [
    "an empty scheduler",
    service("scheduler:"),
    /^uvs\.yaml:3:15: services\[0\]\.scheduler: found nothing, accepted is one of rr, /,
  ],
  [
    "an unknown scheduler flag",
    service("scheduler: sh", "scheduler-flags: [sh-ports]"),
    /^uvs\.yaml:4:23: services\[0\]\.scheduler-flags\[0\]: found "sh-ports" \(did you mean sh-port\?\), accepted is one of /,
  ],
  [
    "a flag of another scheduler",
    service("scheduler: wrr", "scheduler-flags: [flag-1, sh-port]"),
    /^uvs\.yaml:4:31: services\[0\]\.scheduler-flags\[1\]: found sh-port, a flag of scheduler sh, while the scheduler is wrr; accepted are flags/,
  ],
  [
    "a weight below 0",
    service("realservers:", "  - address: 10.0.0.2", "    weight: -1"),
    "uvs.yaml:5:17: services[0].realservers[0].weight: found -1, accepted is a whole number from 0 to 2147483647",
  ],
  [
    "a weight above 2147483647",
    service("realservers:", "  - address: 10.0.0.2", "    weight: 2147483648"),
    "uvs.yaml:5:17: services[0].realservers[0].weight: found 2147483648, accepted is a whole number from 0 to 2147483647",
  ],
  [
    "a weight in quotes",
    service("realservers:", "  - address: 10.0.0.2", '    weight: "2"'),
    /^uvs\.yaml:5:17: .*\.weight: found "2" \(a number must stand without quotes\), accepted is a whole number/,
  ],
  [
    "a lower threshold above the upper one",
    service("realservers:", "  - { address: 10.0.0.2, upper-threshold: 5, lower-threshold: 6 }"),
    "uvs.yaml:4:67: services[0].realservers[0].lower-threshold: found 6, accepted is at most the upper-threshold, which is 5",
  ],
  [
    "a lower threshold without an upper one",
    service("realservers:", "  - { address: 10.0.0.2, lower-threshold: 6 }"),
    /\.lower-threshold: found 6, accepted is at most the upper-threshold, which is not set$/,
  ],
  [
    "a duplicate realserver",
    service("realservers: [10.0.0.2, 10.0.0.3, 10.0.0.2:http]"),
    "uvs.yaml:3:39: services[0].realservers[2].address: duplicate realserver: found 10.0.0.2:80, which is in realservers[0] already, accepted is each address and port once in a service",
  ],
  [
    "overlapping ranges",
    service("realservers:", "  - 10.0.0.2-9", "  - 10.0.0.9-12"),
    /^uvs\.yaml:5:9: .*: duplicate realserver: found 10\.0\.0\.9:80, which is in realservers\[0\] already/,
  ],
  [
    "a range that is too large",
    service("realservers: [10.0.0.0-10.0.16.0]"),
    /^uvs\.yaml:3:19: .*\(a range of 4097 addresses, at most 4096 are possible\)/,
  ],
  [
    "a realserver that is neither text nor mapping",
    service("realservers: [80]"),
    "uvs.yaml:3:19: services[0].realservers[0]: found 80, accepted is an address, or a mapping of address, weight, upper-threshold, lower-threshold, forwarding, tunnel, proxy-protocol",
  ],
  [
    "realservers that are no list",
    service("realservers: 10.0.0.2"),
    'uvs.yaml:3:18: services[0].realservers: found "10.0.0.2", accepted is a list of realservers',
  ],
  [
    "a realserver that is the service itself",
    service("realservers: [10.0.0.1]"),
    /^uvs\.yaml:3:19: .*\.address: found 10\.0\.0\.1:80, what the service itself listens on: connections would go round/,
  ],
  [
    "a realserver that no connection can go to",
    service("realservers: [10.0.0.2, 224.0.0.5]"),
    'uvs.yaml:3:29: services[0].realservers[1].address: found "224.0.0.5", accepted is a unicast address',
  ],
  [
    "direct routing with forwarding: strict",
    `forwarding: strict\n${service("realservers: [{ address: 10.0.0.2, forwarding: route }]")}`,
    'uvs.yaml:4:52: services[0].realservers[0].forwarding: found "route", accepted is masq with forwarding: strict, because only the proxy carries connections',
  ],
  [
    "a netmask of the other family",
    service("persistence: { netmask: 64 }"),
    "uvs.yaml:3:29: services[0].persistence.netmask: found 64, accepted is a dotted netmask such as 255.255.255.0: the service has IPv4 addresses",
  ],
  [
    "a netmask that is none",
    service("persistence: { netmask: 255.255 }"),
    /netmask: found 255\.255, accepted is a dotted IPv4 netmask such as 255\.255\.255\.0, or an IPv6 prefix length/,
  ],
  [
    "one-packet scheduling of TCP",
    service("one-packet: true"),
    "uvs.yaml:3:17: services[0].one-packet: found true, accepted is false for tcp: only UDP and firewall marks have it",
  ],
  [
    "a truth value of YAML 1.1",
    service("one-packet: yes"),
    'uvs.yaml:3:17: services[0].one-packet: found "yes" (a text: only true and false without quotes are truth values), accepted is true or false',
  ],
  [
    "a tunnel without the forwarding method",
    service("realservers: [{ address: 10.0.0.2, tunnel: { type: gre } }]"),
    /\.tunnel: found a mapping, accepted is nothing with forwarding masq$/,
  ],
  [
    "a gue tunnel without port",
    service("realservers: [{ address: 10.0.0.2, forwarding: tunnel, tunnel: { type: gue } }]"),
    /\.tunnel: found gue without port, accepted is gue with a port$/,
  ],
  [
    "edits to keep without a place for them",
    "persist-edits: true\n",
    "uvs.yaml:1:16: persist-edits: found true without state, accepted is it together with state: the directory to keep edits in",
  ],
  [
    "an unknown sysctl",
    "sysctls: { expire_nodest_con: 1 }\n",
    /^uvs\.yaml:1:12: sysctls\.expire_nodest_con: unknown key \(did you mean expire_nodest_conn\?\), accepted are /,
  ],
  [
    "a sorry server that is the service itself",
    service("sorry: 10.0.0.1:http"),
    /^uvs\.yaml:3:12: services\[0\]\.sorry: found 10\.0\.0\.1:80, what the service itself listens on/,
  ],
  [
    "a time-out outside of its bounds",
    service("connect-timeout: 2h"),
    'uvs.yaml:3:22: services[0].connect-timeout: found "2h", accepted is a duration from 1ms to 1h',
  ],
  [
    "a time-out of parts of a second",
    "timeouts: { tcp: 1500ms }\n",
    'uvs.yaml:1:18: timeouts.tcp: found "1500ms", accepted is a duration from 1s to 31d in whole seconds',
  ],
  [
    "more retries than can be remembered",
    service("redispatch: 9"),
    "uvs.yaml:3:17: services[0].redispatch: found 9, accepted is a whole number from 0 to 8",
  ],
  [
    "a socket path that is too long",
    `control: { socket: /${"x".repeat(107)} }\n`,
    /^uvs\.yaml:1:20: control\.socket: found "\/x+\.\.\." \(108 bytes, at most 107 are possible\), accepted is a path/,
  ],
  [
    "a mode without quotes",
    "control: { mode: 0660 }\n",
    'uvs.yaml:1:18: control.mode: found 660 (a number: YAML reads digits without quotes as decimal), accepted is three or four octal digits in quotes such as "0660"',
  ],
  [
    "threads outside of their bounds",
    "threads: 65\n",
    "uvs.yaml:1:10: threads: found 65, accepted is auto or a whole number from 1 to 64",
  ],
  [
    "an unknown data plane",
    "dataplane: Native\n",
    'uvs.yaml:1:12: dataplane: found "Native" (did you mean native?), accepted is one of auto, native, net',
  ],
  [
    "more services than the limit",
    "limits: { services: 1 }\nservices:\n  - listen: tcp://10.0.0.1:80\n  - listen: tcp://10.0.0.1:81\n",
    "uvs.yaml:3:3: services: found 2 services, accepted are at most 1 (limits.services)",
  ],
  [
    "more realservers than the limit",
    `limits: { realservers: 3 }\n${service("realservers: [10.0.0.2-5]")}`,
    "uvs.yaml:3:3: services: found 4 realservers, accepted are at most 3 (limits.realservers)",
  ],
  [
    "an access log without a file",
    "access-log: {}\n",
    "uvs.yaml:1:13: access-log.file: missing, accepted is a path, or stdout",
  ],
  [
    "a tab as indentation",
    "services:\n\t- listen: tcp://10.0.0.1:80\n",
    "uvs.yaml:2:1: file: YAML syntax: Tabs are not allowed as indentation",
  ],
];

for (const [what, text, line] of SINGLE_ERRORS) {
  test(`${what} is refused in one line with its place`, () => {
    const lines = errorsOf(text);
    if (typeof line === "string") assert.deepEqual(lines, [line]);
    else {
      assert.equal(lines.length, 1, lines.join("\n"));
      assert.match(lines[0], line);
    }
  });
}

test("all errors of a file are reported at once, in its order, whatever their kind", () => {
  const text = [
    "threads: 0",
    "services:",
    "  - listen: tcp://10.0.0.1:80",
    "    schduler: rr",
    "    realservers:",
    "      - { address: 10.0.0.2, weight: -1 }",
    "      - { address: 10.0.0.2, upper-threshold: 1, lower-threshold: 2 }",
    "      - example.com",
    "  - listen: tcp://10.0.0.1:80",
    "  - 5",
    "log: { level: loud }",
    "log: { level: info }",
  ].join("\n");
  const places = errorsOf(text).map((line) => /^uvs\.yaml:(\d+:\d+: [^:]+):/.exec(line)?.[1]);
  assert.deepEqual(places, [
    "1:10: threads",
    "4:5: services[0].schduler",
    "6:38: services[0].realservers[0].weight",
    "7:20: services[0].realservers[1].address",
    "7:67: services[0].realservers[1].lower-threshold",
    "8:9: services[0].realservers[2].address",
    "9:13: services[1].listen",
    "10:5: services[2]",
    "12:1: log",
  ]);
});

test("the error counts all errors, and lists no more than a hundred", () => {
  const text = Array.from({ length: 130 }, (_, i) => `key${i}: 1\n`).join("");
  assert.throws(
    () => parse(text),
    (error: UvsError) => {
      assert.deepEqual(error.details, { file: "uvs.yaml", count: 130 });
      const lines = error.message.split("\n");
      assert.equal(lines.length, 101);
      assert.equal(lines[100], "... and 30 more errors");
      return true;
    },
  );
});

test("an error behind an alias is placed at the anchor, where it stands", () => {
  const text = [
    "services:",
    "  - listen: tcp://10.0.0.1:80",
    "    realservers: &web",
    "      - { address: 10.0.0.2, weight: x }",
    "  - listen: tcp://10.0.0.1:81",
    "    realservers: *web",
  ].join("\n");
  const places = errorsOf(text).map((line) => /^uvs\.yaml:(\d+:\d+: [^:]+):/.exec(line)?.[1]);
  assert.deepEqual(places, [
    "4:38: services[0].realservers[0].weight",
    "4:38: services[1].realservers[0].weight",
  ]);
});

test("ranges of more realservers than the limit are counted, not unfolded", () => {
  const entries = Array.from({ length: 2000 }, (_, i) => `"[fd77:0:0:${i.toString(16)}::-fff]:80"`);
  assert.match(
    errorsOf(service(`realservers: [${entries.join(", ")}]`))[0],
    /found 8192000 realservers, accepted are at most/,
  );
});
