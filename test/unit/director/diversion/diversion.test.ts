import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Diversion } from "../../../../src/director/diversion/diversion.js";
import type { RunProgram } from "../../../../src/director/diversion/programs.js";

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

const MARK = { traffic: { family: 4, mark: 8 }, port: 4000 } as const;
const ALL_PORTS = { traffic: { address: "fd77::100", exceptPorts: [80, 443] }, port: 4001 } as const;

describe("diversion", () => {
  test("replaces its own table as one change, and routes the families that it has rules of", async () => {
    const { commands, inputs, run } = recorder();
    const diversion = new Diversion("/run/uvs/uvsd.sock", run);
    await diversion.set([MARK, ALL_PORTS]);
    const [script] = inputs;
    const table = /add table inet (uvs_[0-9a-f]{8})\n/.exec(script)?.[1];
    assert.ok(
      script.startsWith(`add table inet ${table}\ndelete table inet ${table}\ntable inet ${table} {`),
    );
    assert.match(
      script,
      /meta nfproto ipv4 meta l4proto tcp meta mark 8 tproxy ip to 127\.0\.0\.1:4000 meta mark set \d+ accept/,
    );
    assert.match(
      script,
      /ip6 daddr fd77::100 meta l4proto tcp tcp dport != \{ 80, 443 \} tproxy ip6 to \[::1\]:4001 /,
    );
    assert.deepEqual(
      commands.map((command) => command.replace(/\d{5,}/g, "#")),
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

  test("does nothing when nothing has changed, and nothing at all without rules", async () => {
    const { commands, run } = recorder();
    const diversion = new Diversion("a", run);
    await diversion.set([]);
    await diversion.stop();
    assert.deepEqual(commands, []);
    await diversion.set([MARK]);
    const count = commands.length;
    await diversion.set([MARK]);
    assert.equal(commands.length, count);
  });

  test("takes everything away at the end", async () => {
    const { commands, inputs, run } = recorder();
    const diversion = new Diversion("a", run);
    await diversion.set([MARK]);
    await diversion.stop();
    assert.match(inputs[1], /^add table inet (\w+)\ndelete table inet \1\n$/);
    assert.equal(commands.filter((command) => command.includes(" delete ")).length, 3);
  });

  test("two directors on a host have tables, marks and routes of their own", async () => {
    const scripts: string[] = [];
    for (const identity of ["a", "b"]) {
      const { inputs, run } = recorder();
      await new Diversion(identity, run).set([MARK]);
      scripts.push(inputs[0]);
    }
    assert.notEqual(scripts[0].split("\n")[0], scripts[1].split("\n")[0]);
  });

  test("rules that a killed director left behind are no trouble", async () => {
    const { run } = recorder((command) =>
      command.startsWith("ip ") ? "RTNETLINK answers: File exists" : undefined,
    );
    await new Diversion("a", run).set([MARK]);
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
    await assert.rejects(new Diversion("a", run).set([MARK]), {
      code: "UNSUPPORTED",
      message: /^"ip -4 route add local default dev lo table \d+" says "RTNETLINK answers: Invalid argument"/,
    });
    assert.deepEqual(inputs, []);
  });

  test("without the right to divert it says which right is missing", async () => {
    const { run } = recorder((command) =>
      command.startsWith("nft") ? "Error: Could not process rule: Operation not permitted\n" : undefined,
    );
    await assert.rejects(new Diversion("a", run).set([MARK]), {
      code: "PERMISSION",
      message:
        /^"nft -f -" says "Error: Could not process rule: Operation not permitted": .*CAP_NET_ADMIN is missing/,
    });
  });

  test("without the program it says which one", async () => {
    const run: RunProgram = () => Promise.reject(new Error("spawn ip ENOENT"));
    await assert.rejects(new Diversion("a", run).set([MARK]), {
      code: "UNSUPPORTED",
      message: /^"ip -4 rule add .+" cannot be run \(spawn ip ENOENT\): install iproute2$/,
    });
  });
});
