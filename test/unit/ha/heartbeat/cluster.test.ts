/** The drills of a heartbeat cluster, in memory (reference: ha.md §9, §10). */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { placedGroup, SimulatedCluster } from "../../../helpers/heartbeat-cluster.js";

const PAIR = ["a", "b"];
const BOTH = [placedGroup("web", "a"), placedGroup("db", "b")];
const STICKY = [placedGroup("web", "a", 200), placedGroup("db", "b", 200)];

/** Started, and the groups are where they belong. */
function running(settings: ConstructorParameters<typeof SimulatedCluster>[0] = {}): SimulatedCluster {
  const cluster = new SimulatedCluster(settings);
  cluster.start();
  cluster.advance(1000);
  return cluster;
}

function kinds(cluster: SimulatedCluster, name: string, kind: string): number {
  return cluster.director(name).events.filter((event) => event.kind === kind).length;
}

describe("start (9.2)", () => {
  test("directors that hear each other take their groups without waiting for initdead", () => {
    const cluster = new SimulatedCluster({ nodes: PAIR, groups: BOTH });
    cluster.start();
    cluster.advance(500);
    assert.deepEqual([cluster.holders("web"), cluster.holders("db")], [["a"], ["b"]]);
    assert.deepEqual(cluster.overlaps, []);
  });

  test("a director that hears nobody takes everything after initdead, not before", () => {
    const cluster = new SimulatedCluster({ nodes: PAIR, groups: BOTH });
    cluster.start("b");
    cluster.advance(2999);
    assert.deepEqual(cluster.holders("web"), []);
    cluster.advance(500);
    assert.deepEqual([cluster.holders("web"), cluster.holders("db")], [["b"], ["b"]]);
  });

  test("a director of three that hears nobody takes nothing: it has no quorum", () => {
    const cluster = new SimulatedCluster();
    cluster.start("a");
    cluster.advance(20_000);
    assert.deepEqual(cluster.holders(), []);
  });

  test("two of three need not wait for a third whose absence a director in office knows", () => {
    const cluster = new SimulatedCluster();
    cluster.start("a", "b");
    cluster.until("they begin", () => cluster.holders().length === 1);
    assert.ok(cluster.nowMs >= 3000, "the third may be there until initdead");
    cluster.crash("a");
    cluster.until("b cannot go on alone", () => cluster.nowMs > 6000);
    assert.deepEqual(cluster.holders(), []);
    const sinceMs = cluster.nowMs;
    cluster.restart("a");
    cluster.until("they go on", () => cluster.holders().length === 1);
    assert.ok(cluster.nowMs - sinceMs < 1000, "b has told a that c is gone");
  });
});

describe("loss of a director (9.4)", () => {
  test("a crash: the others take over after deadtime, one of them", () => {
    const cluster = running();
    const crashedMs = cluster.nowMs;
    cluster.crash("a");
    cluster.until("taken over", () => cluster.holders().length > 0);
    assert.deepEqual(cluster.holders(), ["b"]);
    const tookMs = cluster.nowMs - crashedMs;
    assert.ok(tookMs > 890 && tookMs <= 1010, `took ${tookMs} ms, deadtime is 1000`);
  });

  test("a polite stop: taken over at once, with the addresses gone before", () => {
    const cluster = running();
    const stoppedMs = cluster.nowMs;
    cluster.on("a", (state, nowMs) => state.stop(nowMs));
    cluster.until("taken over", () => cluster.holders().includes("b"));
    assert.ok(cluster.nowMs - stoppedMs < 20, "no deadtime is waited for");
    assert.deepEqual(cluster.overlaps, []);
    assert.equal(cluster.director("a").actions.at(-1), "farewell");
    cluster.advance(20);
    assert.equal(cluster.director("b").cluster.members.find(({ name }) => name === "a")?.state, "left");
  });

  test("messages that come late are told, and nothing is moved", () => {
    const cluster = running();
    cluster.cut(["a"], ["b", "c"]);
    cluster.advance(600);
    cluster.cut(["a"], ["b", "c"], false);
    cluster.advance(2000);
    assert.ok(kinds(cluster, "b", "late") > 0);
    assert.deepEqual([cluster.holders(), cluster.overlaps], [["a"], []]);
  });

  test("a director that restarts faster than deadtime is known to hold nothing", () => {
    const cluster = running({ nodes: PAIR, groups: STICKY });
    cluster.crash("a");
    cluster.advance(100);
    cluster.restart("a");
    cluster.advance(1000);
    assert.deepEqual([cluster.holders("web").length, cluster.overlaps], [1, []]);
  });
});

describe("auto_failback (9.6)", () => {
  test("on: the group goes back when the preferred director has returned", () => {
    const cluster = running();
    cluster.crash("a");
    cluster.advance(2000);
    assert.deepEqual(cluster.holders(), ["b"]);
    cluster.restart("a");
    cluster.advance(1500);
    assert.deepEqual([cluster.holders(), cluster.overlaps], [["a"], []]);
  });

  test("off: the group stays where it is", () => {
    const cluster = running({ groups: [placedGroup("web", "a", 200)] });
    cluster.crash("a");
    cluster.advance(2000);
    cluster.restart("a");
    cluster.advance(5000);
    assert.deepEqual([cluster.holders(), cluster.overlaps], [["b"], []]);
  });
});

describe("standby and takeover (9.5)", () => {
  for (const [scope, web, db] of [
    ["all", "b", "b"],
    ["local", "b", "a"],
    ["foreign", "a", "b"],
  ] as const) {
    test(`standby ${scope} gives what it names, and nothing else`, () => {
      const cluster = running({ nodes: PAIR, groups: STICKY });
      cluster.on("a", (state, nowMs) => state.takeover(nowMs, { scope: "all" }));
      cluster.advance(500);
      assert.deepEqual([cluster.holders("web"), cluster.holders("db")], [["a"], ["a"]]);
      cluster.on("a", (state, nowMs) => state.standby(nowMs, { scope }));
      cluster.advance(500);
      assert.deepEqual([cluster.holders("web"), cluster.holders("db")], [[web], [db]]);
      assert.deepEqual(cluster.overlaps, []);
    });

    test(`takeover ${scope} gets what it names`, () => {
      const cluster = running({ nodes: PAIR, groups: STICKY });
      const onB = { all: ["b", "b"], local: ["a", "b"], foreign: ["b", "b"] }[scope];
      cluster.on("b", (state, nowMs) => state.takeover(nowMs, { scope }));
      cluster.advance(100);
      assert.deepEqual([cluster.holders("web"), cluster.holders("db")].flat(), onB);
      cluster.advance(5000);
      assert.deepEqual([cluster.holders("web"), cluster.holders("db")].flat(), onB, "it stays so");
      assert.deepEqual(cluster.overlaps, []);
    });
  }

  test("the handover needs one message from the giver, after its addresses are gone", () => {
    const cluster = running();
    const beganMs = cluster.nowMs;
    cluster.on("a", (state, nowMs) => state.standby(nowMs, { scope: "all" }));
    cluster.until("handed over", () => cluster.holders().includes("b"));
    assert.ok(cluster.nowMs - beganMs <= 10, `took ${cluster.nowMs - beganMs} ms, releasing takes 5`);
    assert.deepEqual(cluster.overlaps, []);
  });

  test("standby is refused where nobody could take over, and keeps what it has", () => {
    const cluster = running({ nodes: PAIR });
    assert.equal(cluster.director("a").cluster.standbyRefusal({ scope: "all" }), undefined);
    cluster.crash("b");
    cluster.advance(1500);
    assert.match(
      cluster.director("a").cluster.standbyRefusal({ scope: "all" }) ?? "",
      /no other director can take web/,
    );
  });

  test("one group can be put to standby, and taken over", () => {
    const cluster = running({ nodes: PAIR, groups: STICKY });
    cluster.on("b", (state, nowMs) => state.takeover(nowMs, { scope: "all", group: "web" }));
    cluster.advance(100);
    assert.deepEqual([cluster.holders("web"), cluster.holders("db")], [["b"], ["b"]]);
    cluster.on("b", (state, nowMs) => state.standby(nowMs, { scope: "all", group: "db" }));
    cluster.advance(100);
    assert.deepEqual([cluster.holders("web"), cluster.holders("db")], [["b"], ["a"]]);
    cluster.on("b", (state, nowMs) => state.online(nowMs, { scope: "all", group: "db" }));
    cluster.on("a", (state, nowMs) => state.standby(nowMs, { scope: "all" }));
    cluster.advance(100);
    assert.deepEqual([cluster.holders("db"), cluster.overlaps], [["b"], []]);
  });

  test("a later takeover wins over an earlier one", () => {
    const cluster = running({ nodes: PAIR });
    for (const name of ["b", "a", "b"]) {
      cluster.on(name, (state, nowMs) => state.takeover(nowMs, { scope: "all" }));
      cluster.advance(500);
      assert.deepEqual(cluster.holders(), [name]);
    }
    assert.deepEqual(cluster.overlaps, []);
  });
});

describe("ping nodes (9.7, 10.3)", () => {
  const pings = (cluster: SimulatedCluster, counts: Record<string, number>): void => {
    for (const [name, count] of Object.entries(counts))
      cluster.on(name, (state, nowMs) => state.setPings(nowMs, count));
  };

  test("who sees more ping nodes holds the group, whoever is preferred", () => {
    const cluster = running({ nodes: PAIR, groups: STICKY });
    pings(cluster, { a: 2, b: 2 });
    cluster.advance(500);
    assert.deepEqual(cluster.holders(), ["a"]);
    pings(cluster, { a: 1 });
    cluster.advance(500);
    assert.deepEqual([cluster.holders(), cluster.overlaps], [["b"], []]);
  });

  test("balanced again: auto_failback on gives the group back, off leaves it", () => {
    for (const [groups, holder] of [
      [BOTH, "a"],
      [STICKY, "b"],
    ] as const) {
      const cluster = running({ nodes: PAIR, groups });
      pings(cluster, { a: 1, b: 1 });
      cluster.advance(500);
      pings(cluster, { a: 0 });
      cluster.advance(500);
      assert.deepEqual(cluster.holders(), ["b"]);
      pings(cluster, { a: 1 });
      cluster.advance(500);
      assert.deepEqual([cluster.holders(), cluster.overlaps], [[holder], []]);
    }
  });

  test("a short loss, or one that both see at slightly different times, moves nothing", () => {
    const cluster = running({ nodes: PAIR });
    pings(cluster, { a: 1, b: 1 });
    cluster.advance(500);
    pings(cluster, { a: 0 });
    cluster.advance(150);
    pings(cluster, { b: 0 });
    cluster.advance(3000);
    assert.deepEqual(cluster.holders(), ["a"], "nobody reaches it: nothing moves");
    assert.deepEqual(cluster.director("a").actions, ["acquire web"]);
  });

  test("required: a director that reaches no ping node holds nothing", () => {
    const cluster = running({ nodes: PAIR, ping: { multiplier: 10_000, isRequired: true } });
    assert.deepEqual(cluster.holders(), []);
    pings(cluster, { a: 1, b: 1 });
    cluster.advance(500);
    assert.deepEqual(cluster.holders(), ["a"]);
    pings(cluster, { a: 0, b: 0 });
    cluster.advance(500);
    assert.deepEqual(cluster.holders(), []);
  });
});

describe("quorum (10.1)", () => {
  test("stop: a partition without quorum has released before the other acquires", () => {
    for (let phaseMs = 0; phaseMs < 100; phaseMs += 7) {
      const cluster = running();
      cluster.advance(phaseMs);
      cluster.cut(["a"], ["b", "c"]);
      cluster.until("the majority has it", () => cluster.holders().includes("b"));
      assert.deepEqual([cluster.holders(), cluster.overlaps], [["b"], []], `cut at phase ${phaseMs}`);
      cluster.cut(["a"], ["b", "c"], false);
      cluster.advance(2000);
      assert.deepEqual([cluster.holders(), cluster.overlaps], [["a"], []]);
    }
  });

  test("stop: without any majority nobody holds it, and it comes back when they hear each other", () => {
    const cluster = running();
    cluster.cut(["a"], ["b", "c"]);
    cluster.cut(["b"], ["c"]);
    cluster.advance(3000);
    assert.deepEqual(cluster.holders(), []);
    cluster.cut(["a"], ["b"], false);
    cluster.advance(2000);
    assert.deepEqual([cluster.holders(), cluster.overlaps], [["a"], []]);
  });

  test("stop: a director that hears the others and is not heard by them has let go before they acquire", () => {
    for (let phaseMs = 0; phaseMs < 100; phaseMs += 7) {
      const cluster = running();
      cluster.advance(phaseMs);
      cluster.cutOneWay("a", "b");
      cluster.cutOneWay("a", "c");
      cluster.until("the majority has it", () => cluster.holders().includes("b"));
      cluster.advance(2000);
      assert.deepEqual([cluster.holders(), cluster.overlaps], [["b"], []], `cut at phase ${phaseMs}`);
    }
  });

  test("freeze: what runs is kept, what was lost is not recovered until quorum is back", () => {
    const cluster = running({ noQuorum: "freeze", groups: BOTH });
    cluster.crash("b");
    cluster.crash("c");
    cluster.advance(3000);
    assert.deepEqual([cluster.holders("web"), cluster.holders("db")], [["a"], []]);
    cluster.restart("c");
    cluster.advance(4000);
    assert.equal(cluster.holders("db").length, 1);
  });

  test("ignore: the last one takes everything", () => {
    const cluster = running({ noQuorum: "ignore", groups: BOTH });
    cluster.crash("b");
    cluster.crash("c");
    cluster.advance(3000);
    assert.deepEqual([cluster.holders("web"), cluster.holders("db")], [["a"], ["a"]]);
  });

  test("a pair with a ping node as arbiter: who reaches it goes on, who does not stops", () => {
    const cluster = running({ nodes: PAIR, noQuorum: "stop", tieBreaker: "ping" });
    for (const name of PAIR) cluster.on(name, (state, nowMs) => state.setPings(nowMs, 1));
    cluster.advance(500);
    cluster.cut(["a"], ["b"]);
    cluster.on("a", (state, nowMs) => state.setPings(nowMs, 0));
    cluster.advance(2000);
    assert.deepEqual([cluster.holders(), cluster.overlaps], [["b"], []]);
  });
});

describe("split brain (9.4, 10.5)", () => {
  test("two holders that hear each other resolve at once; the winner announces after the loser has let go", () => {
    for (let phaseMs = 0; phaseMs < 100; phaseMs += 9) {
      const cluster = running({ nodes: PAIR });
      cluster.cut(PAIR, PAIR);
      cluster.advance(2000 + phaseMs);
      assert.deepEqual(cluster.holders(), ["a", "b"], "without fencing and quorum both hold it");
      const healedMs = cluster.nowMs;
      cluster.cut(PAIR, PAIR, false);
      cluster.until("resolved", () => cluster.holders().length < 2);
      assert.ok(cluster.nowMs - healedMs <= 105, `took ${cluster.nowMs - healedMs} ms`);
      assert.deepEqual(cluster.holders(), ["a"], "the preferred one stays");
      cluster.advance(300);
      assert.deepEqual(cluster.director("a").actions, ["acquire web", "announce web"]);
      assert.equal(kinds(cluster, "a", "resolved"), 1);
      assert.ok(kinds(cluster, "a", "conflict") + kinds(cluster, "b", "conflict") > 0, "it is counted");
    }
  });

  test("the winner announces also where the loser has heard it first and let go unasked", () => {
    for (const first of PAIR) {
      const cluster = running({ nodes: PAIR });
      cluster.cut(PAIR, PAIR);
      cluster.advance(2000);
      const other = first === "a" ? "b" : "a";
      cluster.cutOneWay(first, other, false);
      cluster.advance(150);
      cluster.cutOneWay(other, first, false);
      cluster.advance(500);
      assert.deepEqual(cluster.holders(), ["a"], `heard first: ${first}`);
      assert.equal(cluster.director("a").actions.at(-1), "announce web", `heard first: ${first}`);
      assert.ok(kinds(cluster, "a", "conflict") + kinds(cluster, "b", "conflict") > 0);
    }
  });

  test("more ping nodes count more than being preferred", () => {
    const cluster = running({ nodes: PAIR });
    for (const name of PAIR) cluster.on(name, (state, nowMs) => state.setPings(nowMs, 1));
    cluster.advance(500);
    cluster.cut(PAIR, PAIR);
    cluster.advance(2000);
    cluster.on("a", (state, nowMs) => state.setPings(nowMs, 0));
    cluster.advance(100);
    cluster.cut(PAIR, PAIR, false);
    cluster.advance(500);
    assert.deepEqual(cluster.holders(), ["b"]);
  });

  test("quorum counts most: the side that had it stays", () => {
    const cluster = running({ noQuorum: "ignore" });
    cluster.cut(["a"], ["b", "c"]);
    cluster.advance(2000);
    assert.deepEqual(cluster.holders(), ["a", "b"]);
    const { actions } = cluster.director("a");
    cluster.cut(["a"], ["b", "c"], false);
    cluster.until("resolved", () => cluster.holders().length < 2);
    assert.deepEqual(cluster.holders(), ["b"]);
    assert.equal(actions.at(-1), "release web");
  });

  test("a link that works in one direction only does not make two directors give up the group", () => {
    const cluster = running({ nodes: PAIR });
    cluster.cutOneWay("a", "b");
    cluster.advance(5000);
    assert.deepEqual(cluster.holders(), ["b"], "b cannot know that a lives, a knows of b");
    cluster.cutOneWay("a", "b", false);
    cluster.advance(1000);
    assert.deepEqual(cluster.holders(), ["a"]);
  });

  test("a director does not take what a third one still hears somebody hold", () => {
    const cluster = running();
    cluster.cut(["a"], ["c"]);
    cluster.advance(5000);
    cluster.cut(["a"], ["c"], false);
    cluster.cut(["a"], ["b"]);
    cluster.advance(5000);
    assert.deepEqual([cluster.holders(), cluster.overlaps], [["a"], []]);
  });
});

describe("standing still", () => {
  test("a director that wakes releases before it says anything, and its successor keeps the group", () => {
    const cluster = running({ groups: [placedGroup("web", "a", 200)] });
    cluster.stall("a", true);
    cluster.until("taken over", () => cluster.holders().includes("b"));
    cluster.advance(3000);
    cluster.stall("a", false);
    cluster.advance(10);
    assert.deepEqual(cluster.holders(), ["b"]);
    cluster.advance(3000);
    assert.deepEqual(cluster.holders(), ["b"]);
    assert.equal(kinds(cluster, "a", "stalled"), 1);
    assert.deepEqual(
      cluster.director("b").actions,
      ["acquire web", "announce web"],
      "the address was on both",
    );
  });

  test("a director that stood still does not take the others for dead", () => {
    const cluster = running();
    cluster.stall("c", true);
    cluster.advance(5000);
    cluster.stall("c", false);
    cluster.advance(2000);
    assert.equal(
      cluster.director("c").events.filter((event) => event.kind === "node" && event.to === "dead").length,
      0,
    );
    assert.deepEqual([cluster.holders(), cluster.overlaps], [["a"], []]);
  });

  test("a lone director that stood still goes on: nobody could have taken over", () => {
    const cluster = running({ nodes: PAIR });
    cluster.crash("b");
    cluster.advance(2000);
    cluster.stall("a", true);
    cluster.advance(5000);
    cluster.stall("a", false);
    cluster.advance(500);
    assert.deepEqual(cluster.director("a").actions, ["acquire web"]);
  });
});

describe("fencing (10.4)", () => {
  const fenceable = new Set(["a", "b", "c"]);

  test("nothing is taken before the lost director was fenced", () => {
    const cluster = running({ nodes: PAIR, fenceable });
    cluster.crash("a");
    cluster.advance(10_000);
    assert.deepEqual([cluster.holders(), cluster.fences], [[], ["b fences a"]]);
    cluster.on("b", (state, nowMs) => state.fenced(nowMs, "a"));
    cluster.advance(10);
    assert.deepEqual(cluster.holders(), ["b"]);
  });

  test("of several survivors one fences, and the others hear of it", () => {
    const cluster = running({ fenceable });
    cluster.crash("a");
    cluster.advance(2000);
    assert.deepEqual(cluster.fences, ["b fences a"]);
    cluster.on("b", (state, nowMs) => state.fenced(nowMs, "a"));
    cluster.advance(200);
    assert.deepEqual(cluster.holders(), ["b"]);
    assert.equal(cluster.director("c").cluster.members.find(({ name }) => name === "a")?.fence, "done");
  });

  test("a director that said goodbye, or is known to hold nothing, is not fenced", () => {
    const cluster = running({ fenceable });
    cluster.crash("c");
    cluster.advance(2000);
    cluster.on("a", (state, nowMs) => state.stop(nowMs));
    cluster.advance(2000);
    assert.deepEqual(cluster.fences, []);
  });

  test("a director that was never heard may hold anything: it is fenced first", () => {
    const cluster = new SimulatedCluster({ nodes: PAIR, fenceable });
    cluster.start("b");
    cluster.advance(10_000);
    assert.deepEqual([cluster.fences, cluster.holders()], [["b fences a"], []]);
  });

  test("one that is heard again is spared", () => {
    const cluster = running({ nodes: PAIR, fenceable });
    cluster.cut(PAIR, PAIR);
    cluster.advance(1500);
    cluster.cut(PAIR, PAIR, false);
    cluster.advance(1000);
    assert.ok(cluster.director("b").actions.includes("spare a"));
    assert.deepEqual([cluster.holders(), cluster.overlaps], [["a"], []]);
  });

  test("without quorum nobody is fenced", () => {
    const cluster = running({ fenceable });
    cluster.cut(["b"], ["a", "c"]);
    cluster.advance(3000);
    assert.ok(!cluster.fences.some((fence) => fence.startsWith("b ")));
  });
});

describe("groups that fail", () => {
  test("a group that cannot be here goes to another, and may come back when its time is over", () => {
    const cluster = running();
    cluster.on("a", (state, nowMs) => state.setTrouble(nowMs, "web", "its script fails"));
    cluster.advance(100);
    assert.deepEqual(cluster.holders(), ["b"]);
    cluster.on("a", (state, nowMs) => state.setTrouble(nowMs, "web", undefined));
    cluster.advance(500);
    assert.deepEqual([cluster.holders(), cluster.overlaps], [["a"], []]);
  });

  test("one that fails everywhere is nowhere", () => {
    const cluster = running({ nodes: PAIR });
    for (const name of PAIR) {
      cluster.on(name, (state, nowMs) => state.setTrouble(nowMs, "web", "its script fails"));
      cluster.advance(300);
    }
    assert.deepEqual(cluster.holders(), []);
  });
});

describe("an old heartbeat as a peer", () => {
  test("what it says it holds is left to it; when it says goodbye it is taken", () => {
    const cluster = new SimulatedCluster({ nodes: PAIR });
    cluster.start("b");
    const report = {
      ...cluster.director("a").cluster.report(0),
      status: "active" as const,
      holds: undefined,
      configuration: "",
    };
    const status = { kind: "status", report, isRestart: false } as const;
    const hear = (
      heard: Parameters<ReturnType<SimulatedCluster["director"]>["cluster"]["heard"]>[2],
    ): void => {
      cluster.on("b", (state, nowMs) => state.heard(nowMs, "a", heard));
      cluster.advance(100);
    };
    for (let i = 0; i < 20; i++) hear(status);
    assert.deepEqual(cluster.holders(), [], "it has not said what it holds");
    hear({ kind: "resource", holds: undefined });
    for (let i = 0; i < 5; i++) hear(status);
    assert.deepEqual(cluster.holders(), [], "it is about to take something");
    hear({ kind: "resource", holds: "all" });
    for (let i = 0; i < 5; i++) hear(status);
    assert.deepEqual(cluster.holders(), []);
    hear({ kind: "shutdone" });
    assert.deepEqual(cluster.holders(), ["b"]);
    hear(status);
    const [member] = cluster.director("b").cluster.members;
    assert.equal(member.state, "left", "a message that is older than the goodbye does not bring it back");
    hear({ ...status, isRestart: true });
    assert.equal(member.state, "active");
  });
});
