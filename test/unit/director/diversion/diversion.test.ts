import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Diversion } from "../../../../src/director/diversion/diversion.js";
import type { RunProgram } from "../../../../src/director/diversion/programs.js";
import type { DiversionRule, KernelRules } from "../../../../src/director/diversion/ruleset.js";

/** Programs that are only written down, and what they complain. */
function recorder(complaint?: (command: string) => string | undefined) {
  const commands: string[] = [];
  const inputs: string[] = [];
  const run: RunProgram = async ({ program, args, input }) => {
    const command = [program, ...args].join(" ");
    commands.push(command);
    if (input !== "") inputs.push(input);
    return { output: "", complaint: complaint?.(command) };
  };
  return { commands, inputs, run };
}

const MARK = {
  serviceId: { fwmark: 8, family: 4 },
  traffic: { transport: "tcp", family: 4, mark: 8 },
  port: 4000,
} as const;
const ALL_PORTS = {
  serviceId: { protocol: "tcp", address: "fd77::100", port: 0 },
  traffic: { transport: "tcp", address: "fd77::100", exceptPorts: [80, 443] },
  port: 4001,
} as const;

function rules(...diversions: DiversionRule[]): KernelRules {
  return { diversions, returns: [], spokenTo: [] };
}

describe("diversion", () => {
  test("replaces its own table as one change, and routes the families that it has rules of", async () => {
    const { commands, inputs, run } = recorder();
    const diversion = new Diversion("/run/uvs/uvsd.sock", run);
    await diversion.set(rules(MARK, ALL_PORTS));
    const [script] = inputs;
    const table = /add table inet (uvs_[0-9a-f]{8})\n/.exec(script)?.[1];
    assert.ok(
      script.startsWith(`add table inet ${table}\ndelete table inet ${table}\ntable inet ${table} {`),
    );
    assert.match(
      script,
      /meta nfproto ipv4 meta l4proto tcp meta mark 8 tproxy ip to 127\.0\.0\.1:4000 meta mark set 0x7576[0-9a-f]{4} accept/,
    );
    assert.match(
      script,
      /ip6 daddr fd77::100 meta l4proto tcp tcp dport != \{ 80, 443 \} tproxy ip6 to \[::1\]:4001 /,
    );
    assert.deepEqual(
      commands.map((command) => command.replace(/0x[0-9a-f]{8}|\d{5,}/g, "#")),
      [
        ...["-4", "-6"].flatMap((family) => [
          `ip ${family} rule add fwmark # lookup # priority #`,
          `ip ${family} rule add iif lo fwmark # lookup main priority #`,
          `ip ${family} route add local default dev lo table #`,
        ]),
        "nft -f -",
      ],
    );
  });

  test("brings answers back to its own sockets only, and to the end: connections outlive their service", async () => {
    const { inputs, run } = recorder();
    const diversion = new Diversion("a", run);
    await diversion.set({ diversions: [], returns: [6], spokenTo: [] });
    const answers = `meta nfproto ipv6 socket mark 0x${diversion.socketMark.toString(16)} meta mark set`;
    assert.ok(inputs[0].includes(answers), inputs[0]);
    assert.ok(!inputs[0].includes("ipv4"), inputs[0]);
    await diversion.set(rules(MARK));
    assert.ok(inputs[1].includes(answers), inputs[1]);
    await diversion.stop();
    assert.ok(!inputs[2].includes("socket"), inputs[2]);
  });

  test("packets to the addresses that clients speak to are not looked up as answers, and the list follows the services", async () => {
    const { inputs, run } = recorder();
    const diversion = new Diversion("a", run);
    const returns = [4, 6] as const;
    await diversion.set({ diversions: [], returns, spokenTo: ["192.0.2.1", "192.0.2.2", "fd77::1"] });
    assert.match(inputs[0], /^ +ip daddr != \{ 192\.0\.2\.1, 192\.0\.2\.2 \} socket mark /m);
    assert.match(inputs[0], /^ +ip6 daddr != \{ fd77::1 \} socket mark /m);
    await diversion.set({ diversions: [], returns, spokenTo: ["fd77::1"] });
    assert.match(inputs[1], /^ +meta nfproto ipv4 socket mark /m);
    assert.equal(inputs.length, 2);
  });

  test("where clients have been diverted every packet is looked up, to the end: theirs may be for whatever address", async () => {
    const { inputs, run } = recorder();
    const diversion = new Diversion("a", run);
    const spokenTo = ["192.0.2.1", "fd77::1"];
    await diversion.set({ diversions: [MARK], returns: [4, 6], spokenTo });
    await diversion.set({ diversions: [], returns: [4, 6], spokenTo });
    for (const script of inputs) {
      assert.match(script, /^ +meta nfproto ipv4 socket mark /m);
      assert.match(script, /^ +ip6 daddr != \{ fd77::1 \} socket mark /m);
    }
    assert.equal(inputs.length, 2);
  });

  test("intercepts what passes through, but what is for this host and what the realservers fetch", async () => {
    const { inputs, run } = recorder();
    const passing = (port: number, ...exceptFrom: string[]): DiversionRule => ({
      serviceId: { protocol: "tcp", address: "0.0.0.0", port },
      traffic: { transport: "tcp", family: 4, port, exceptFrom },
      port: 4000,
    });
    await new Diversion("a", run).set(rules(passing(80, "10.0.0.1", "10.0.0.2"), passing(0)));
    const [first, second] = inputs[0].split("\n").filter((line) => line.includes("tproxy"));
    assert.match(
      first,
      /^ +meta nfproto ipv4 tcp dport 80 ip saddr != \{ 10\.0\.0\.1, 10\.0\.0\.2 \} fib daddr type != local tproxy ip to 127\.0\.0\.1:4000 /,
    );
    assert.match(second, /^ +meta nfproto ipv4 meta l4proto tcp fib daddr type != local tproxy /);
  });

  test("does nothing when nothing has changed, and nothing at all without rules", async () => {
    const { commands, run } = recorder();
    const diversion = new Diversion("a", run);
    await diversion.set(rules());
    await diversion.stop();
    assert.deepEqual(commands, []);
    await diversion.set(rules(MARK));
    const count = commands.length;
    await diversion.set(rules(MARK));
    assert.equal(commands.length, count);
  });

  test("takes everything away at the end", async () => {
    const { commands, inputs, run } = recorder();
    const diversion = new Diversion("a", run);
    await diversion.set(rules(MARK));
    await diversion.stop();
    assert.match(inputs[1], /^add table inet (\w+)\ndelete table inet \1\n$/);
    assert.equal(commands.filter((command) => command.includes(" delete ")).length, 3);
  });

  test("two directors on a host have tables, marks and routes of their own", async () => {
    const scripts: string[] = [];
    for (const identity of ["a", "b"]) {
      const { inputs, run } = recorder();
      await new Diversion(identity, run).set(rules(MARK));
      scripts.push(inputs[0]);
    }
    assert.notEqual(scripts[0].split("\n")[0], scripts[1].split("\n")[0]);
  });

  test("rules that a killed director left behind are no trouble", async () => {
    const { run } = recorder((command) =>
      command.startsWith("ip ") ? "RTNETLINK answers: File exists" : undefined,
    );
    await new Diversion("a", run).set(rules(MARK));
  });

  test("at the start it takes away what a killed director has left behind, of both families", async () => {
    const { commands, inputs, run } = recorder(() => "Error: No such file or directory");
    await new Diversion("a", run).clear();
    assert.deepEqual(commands, ["nft -f -", "ip -4 -force -batch -", "ip -6 -force -batch -"]);
    assert.match(inputs[0], /^add table inet (\w+)\ndelete table inet \1\n$/);
    assert.match(
      inputs[1],
      /^rule delete fwmark .+\nrule delete iif lo .+\nroute delete local default .+\n$/,
    );
  });

  test("no rule marks packets before they have their route", async () => {
    const { inputs, run } = recorder((command) =>
      command.includes("route add") ? "RTNETLINK answers: Invalid argument" : undefined,
    );
    await assert.rejects(new Diversion("a", run).set(rules(MARK)), {
      code: "UNSUPPORTED",
      message: /^"ip -4 route add local default dev lo table \d+" says "RTNETLINK answers: Invalid argument"/,
    });
    assert.deepEqual(inputs, []);
  });

  test("without the right to divert it says which right is missing", async () => {
    const { run } = recorder((command) =>
      command.startsWith("nft") ? "Error: Could not process rule: Operation not permitted\n" : undefined,
    );
    await assert.rejects(new Diversion("a", run).set(rules(MARK)), {
      code: "PERMISSION",
      message:
        /^"nft -f -" says "Error: Could not process rule: Operation not permitted": .*CAP_NET_ADMIN is missing/,
    });
  });

  test("without the program it says which one", async () => {
    const run: RunProgram = () => Promise.reject(new Error("spawn ip ENOENT"));
    await assert.rejects(new Diversion("a", run).set(rules(MARK)), {
      code: "UNSUPPORTED",
      message: /^"ip -4 rule add .+" cannot be run \(spawn ip ENOENT\): install iproute2$/,
    });
  });
});
