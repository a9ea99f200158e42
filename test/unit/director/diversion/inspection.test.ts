import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspectRules } from "../../../../src/director/diversion/inspection.js";
import type { RunProgram } from "../../../../src/director/diversion/programs.js";
import { type KernelRules, Ruleset } from "../../../../src/director/diversion/ruleset.js";

const RULESET = new Ruleset("a");
const MARK = `0x${RULESET.mark.toString(16)}`;
const RETURNS: KernelRules = { diversions: [], returns: [4], spokenTo: [] };

/** What the kernel's tools print, by the words that the command has in it. */
function host(prints: Readonly<Record<string, string>>): RunProgram {
  return async ({ args }) => {
    const line = args.join(" ");
    const key = Object.keys(prints).find((words) => line.includes(words));
    return key === undefined
      ? { output: "", complaint: "no such thing" }
      : { output: prints[key], complaint: undefined };
  };
}

const ALL = {
  "list table": `table inet ${RULESET.table} {\n meta nfproto ipv4 socket mark 0x1 meta mark set ${MARK} accept\n}`,
  "rule show": `29999:\tfrom all fwmark ${MARK} iif lo lookup main\n30000:\tfrom all fwmark ${MARK} lookup ${RULESET.routes}\n`,
  "route show": "local default dev lo scope host\n",
};

async function presence(prints: Readonly<Record<string, string>>): Promise<boolean[]> {
  const made = await inspectRules(RULESET, RETURNS, host(prints));
  return made.map(({ isPresent }) => isPresent);
}

describe("inspection of the kernel's rules", () => {
  test("everything that was made is found, with what it is for and what shows it", async () => {
    const made = await inspectRules(RULESET, RETURNS, host(ALL));
    assert.deepEqual(
      made.map(({ isPresent }) => isPresent),
      [true, true, true, true],
    );
    assert.match(made[0].meaning, /answers to transparent ones/);
    assert.equal(made[0].shownBy, `nft list table inet ${RULESET.table}`);
    assert.equal(made[3].shownBy, `ip -4 route show table ${RULESET.routes}`);
  });

  test("each of them that somebody has taken away is missed", async () => {
    assert.deepEqual(await presence({ ...ALL, "list table": "" }), [false, true, true, true]);
    const [loopback, other] = ALL["rule show"].split("\n");
    assert.deepEqual(await presence({ ...ALL, "rule show": loopback }), [true, false, true, true]);
    assert.deepEqual(await presence({ ...ALL, "rule show": other }), [true, true, false, true]);
    assert.deepEqual(await presence({ ...ALL, "route show": "" }), [true, true, true, false]);
  });

  test("without the programs nothing is found, and where nothing was made nothing is asked", async () => {
    const none: RunProgram = () => Promise.reject(new Error("spawn nft ENOENT"));
    const made = await inspectRules(RULESET, RETURNS, none);
    assert.ok(made.length > 0 && made.every(({ isPresent }) => !isPresent));
    assert.deepEqual(await inspectRules(RULESET, { diversions: [], returns: [], spokenTo: [] }, none), []);
  });
});
