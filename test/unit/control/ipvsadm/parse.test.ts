/** What the recordings do not reach; expectations are what ipvsadm 1.31 itself answers to these words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { IpvsadmCommand } from "../../../../src/control/ipvsadm/command.js";
import { CommandLineError } from "../../../../src/control/ipvsadm/failure.js";
import { parseCommandLine } from "../../../../src/control/ipvsadm/parse.js";
import { GOLDEN_NAMES } from "../../../helpers/golden-names.js";

function parse(line: string): Promise<IpvsadmCommand> {
  return parseCommandLine(line.split(" "), GOLDEN_NAMES, "ipvsadm");
}

async function refusal(line: string): Promise<{ exit: number; message: string }> {
  const thrown = await parse(line).then(
    (command) => assert.fail(`${line} was taken as ${JSON.stringify(command)}`),
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof CommandLineError, String(thrown));
  return { exit: thrown.exit, message: thrown.message };
}

const ADD = "-a -t 1.2.3.4:80 -r 5.6.7.8";

const INVALID: Readonly<Record<string, string>> = {
  "-L -c -t 1.2.3.4:80":
    "The option 'service-address' conflicts with the 'connection' option in the 'list' command",
  "-L --daemon --persistent-conn": "options conflicts in the list command",
  "-L -c --rate": "options conflicts in the list command",
  "-L --nosort --nosort": "multiple 'nosort' options specified",
  "-L -6": "-6 used before -f\n",
  "-L -b nosuch extra": "unexpected argument extra",
  "-L -b nosuch": "invalid scheduler flag `nosuch'",
  "-L -nC": "invalid option `-nC'",
  "-L --start-daemon x": "invalid option `x'",
  "-A -t 1.2.3.4:80 -": "unexpected argument -",
  "-A -t 1.2.3.4:80 -- -n": "unexpected argument -n",
  "-A -t 1.2.3.4:80 -b sh-port -w 3": "incompatible scheduler flag `sh-port'",
  "-A -f 5 -6 -M 0": "illegal ipv6 netmask specified",
  "-A -f 5 -t 1.2.3.4:80": "multiple 'service-address' options specified",
  "-a -r 5.6.7.8:http -t 1.2.3.4:80": "illegal real server address[:port] specified",
  "-a -f 4 -r fd77::1 -m": "Different address family is allowed only for tunneling servers",
  "-A -t fe80::1%lo -p": "illegal virtual server address[:port] specified",
  "-Z -t 1.2.3.4:80 -n": "Illegal 'numeric' option with the 'zero' command",
  "-R -t 1.2.3.4:80": "Illegal 'service-address' option with the 'restore' command",
  "-L --atomic": "Illegal 'atomic' option with the 'list' command",
  "--set 1 2 3 4": "unexpected argument 4",
  "--set 1 -- -2 3": "invalid timeout value `-2' specified",
  "--stop-daemon backup --mcast-ttl 3": "Illegal 'mcast-ttl' option with the 'stop-daemon' command",
  "--start-daemon master --mcast-group 1.2.3.4": "invalid IPv4 mcast-group `1.2.3.4'",
  "--start-daemon master --mcast-group fe80::1": "invalid IPv6 mcast-group `fe80::1'",
  "--start-daemon master --mcast-port 0": "illegal mcast-port specified",
  "--start-daemon master --mcast-ttl 256": "illegal mcast-ttl specified",
  "--start-daemon master --sync-maxlen 65508": "illegal sync-maxlen specified",
  [`${ADD} -y x`]: "illegal l_threshold specified",
  [`${ADD} -m --tun-type ipip`]: "Tunnel options conflict with forward method",
  [`${ADD} -i --tun-type foo`]: "illegal tunnel type specified",
  [`${ADD} -i --tun-port 0`]: "illegal tunnel port specified",
  [`${ADD} -i --tun-port 5`]: "Illegal 'tun-port' option with the 'ipip' tunnel type",
  [`${ADD} -i --tun-csum`]: "Illegal 'tun-csum' option with the 'ipip' tunnel type",
  [`${ADD} -i --tun-type gue`]: "You need to supply the 'tun-port' option for the 'gue' tunnel type",
  [`${ADD} -i --tun-type gre --tun-remcsum`]: "Illegal 'tun-remcsum' option with the 'gre' tunnel type",
  [`${ADD} -i --tun-type gre --tun-csum --tun-nocsum`]:
    "The option 'tun-csum' conflicts with the 'tun-nocsum' option in the 'gre' tunnel type",
};

test("what means nothing valid is refused with status 2 in ipvsadm's words", async () => {
  for (const [line, message] of Object.entries(INVALID)) {
    assert.deepEqual(await refusal(line), { exit: 2, message }, line);
  }
});

const USAGE = "Try `ipvsadm -h' or 'ipvsadm --help' for more information.";

const UNREADABLE: Readonly<Record<string, string>> = {
  "-L -n=c": "-n=c: option does not take an argument",
  "-L --stats=": "--stats=: option does not take an argument",
  "-A --tcp=foo": "--tcp=foo: unknown option",
  "-A -t 1.2.3.4:80 ---n": "---n: unknown option",
  "-at": "-at: missing argument",
  "-A -t 1.2.3.4:80 -nw": "-nw: missing argument",
  "-L=5": USAGE,
  "--list=5": USAGE,
  "-6L": USAGE,
  "--set=1 2 3": USAGE,
};

test("what cannot be read is refused with status 255", async () => {
  for (const [line, message] of Object.entries(UNREADABLE)) {
    assert.deepEqual(await refusal(line), { exit: 255, message }, line);
  }
});

test("only an unknown option or a missing value lets a restore go on", async () => {
  const goesOn = async (line: string): Promise<boolean> =>
    parse(line).then(
      () => assert.fail("was taken"),
      (error: CommandLineError) => !error.endsRestore,
    );
  assert.equal(await goesOn("-A -Q"), true);
  assert.equal(await goesOn("-A -t"), true);
  assert.equal(await goesOn("-Q"), false);
  assert.equal(await goesOn("-A -t x:80"), false);
});

test("a realserver without a port takes the service's, if that came before", async () => {
  const port = async (line: string): Promise<number> => {
    const command = await parse(line);
    assert.ok(command.name === "add-server");
    return command.server.port;
  };
  assert.equal(await port("-a -t 1.2.3.4:80 -r 5.6.7.8 -m"), 80);
  assert.equal(await port("-a -r 5.6.7.8 -t 1.2.3.4:80 -m"), 0);
  assert.equal(await port("-a -f 3 -r 5.6.7.8 -m"), 0);
});

test("direct routing and tunnels take the service's port, whatever was typed; masquerading and marks do not", async () => {
  const port = async (line: string): Promise<number> => {
    const command = await parse(line);
    assert.ok(command.name === "add-server");
    return command.server.port;
  };
  assert.equal(await port("-a -t 1.2.3.4:80 -r 5.6.7.8:70 -g"), 80);
  assert.equal(await port("-a -r 5.6.7.8:70 -i -t 1.2.3.4:80"), 80);
  assert.equal(await port("-a -t 1.2.3.4:80 -r 5.6.7.8:70 -m"), 70);
  assert.equal(await port("-a -f 4 -r 5.6.7.8:http -g"), 80);
});

test("a mask before an IPv6 service or before -6 is forgotten, before an IPv4 service it stays", async () => {
  const mask = async (line: string): Promise<string | number | undefined> => {
    const command = await parse(line);
    assert.ok(command.name === "add-service");
    return command.choice.persistence?.netmask;
  };
  assert.equal(await mask("-A -M 255.0.0.0 -t 1.2.3.4:80 -p"), "255.0.0.0");
  assert.equal(await mask("-A -M 255.0.0.0 -t [fd77::1]:80 -p"), 128);
  assert.equal(await mask("-A -M 64 -f 4 -6 -p"), 128);
  assert.equal(await mask("-A -f 4 -6 -M 64x -p"), 64);
});

test("values stick to their option, follow it, or come with an equals sign", async () => {
  const expected = await parse("-a -t 1.2.3.4:80 -r 5.6.7.8:80 -m -w 3");
  for (const line of [
    "-at 1.2.3.4:80 -r5.6.7.8:80 -mw3",
    "-at1.2.3.4:80 -r 5.6.7.8:80 -m -w=3",
    "--add-server --tcp-service=1.2.3.4:80 --real-server 5.6.7.8:80 --masquerading --weight=3",
  ]) {
    assert.deepEqual(await parse(line), expected, line);
  }
});

test("tunnel options are kept with the realserver", async () => {
  const command = await parse("-a -t 1.2.3.4:80 -r 5.6.7.8 -i --tun-port 6080 --tun-type gue --tun-remcsum");
  assert.ok(command.name === "add-server");
  assert.deepEqual(command.server.tunnel, { type: "gue", port: 6080, checksum: "remcsum" });
});

test("a sync daemon has ipvsadm's defaults", async () => {
  assert.deepEqual(await parse("--start-daemon backup --syncid 7"), {
    name: "start-daemon",
    daemon: {
      role: "backup",
      interface: "eth0",
      syncId: 7,
      maxLength: 1472,
      group: "224.0.0.81",
      port: 8848,
      ttl: 1,
    },
  });
});
