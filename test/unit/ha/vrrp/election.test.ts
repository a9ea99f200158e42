/** Every row of the table of transitions (reference: ha.md §3.3), the traces of §13.9, and what goes beyond the RFCs. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Effect } from "../../../../src/ha/vrrp/effects.js";
import { Election, type ElectionSettings } from "../../../../src/ha/vrrp/election.js";

const OWN = "10.0.0.2";
const SMALLER = "10.0.0.1";
const GREATER = "10.0.0.9";
const SETTINGS: ElectionSettings = { version: 2, priority: 100, advertMs: 1000 };
/** Down time of priority 100 at 1 s. */
const DOWN = 3609.375;
const SKEW = 609.375;

/** Effects in few words. */
function words(effects: readonly Effect[]): string[] {
  return effects.map((effect) => {
    switch (effect.do) {
      case "advertise":
        return `advertise ${effect.priority}`;
      case "release":
        return effect.isUrgent ? "release at once" : "release in order";
      case "report":
        return `${effect.from} -> ${effect.to}`;
      default:
        return effect.do;
    }
  });
}

function backup(settings: Partial<ElectionSettings> = {}): Election {
  const election = new Election({ ...SETTINGS, ...settings });
  election.start(0, OWN);
  return election;
}

/** A master since its down timer ran out; advertised then. */
function master(settings: Partial<ElectionSettings> = {}): Election {
  const election = backup(settings);
  election.timer(election.deadlineMs ?? 0);
  assert.equal(election.state, "MASTER");
  return election;
}

const adv = (priority: number, source = SMALLER, intervalMs = 1000) => ({ priority, source, intervalMs });

describe("a master that was lost without a word", () => {
  const lostAt = (settings: Partial<ElectionSettings> = {}): Election => {
    const election = backup(settings);
    election.advert(500, adv(150));
    return election;
  };

  test("is to be fenced when the down timer runs out, and each time that it does so again", () => {
    const election = lostAt({ mustFence: () => true });
    assert.deepEqual(words(election.timer(500 + DOWN)), ["fence"]);
    assert.equal(election.deadlineMs, 500 + 2 * DOWN);
    assert.deepEqual(words(election.timer(500 + 2 * DOWN)), ["fence"]);
    assert.equal(election.state, "BACKUP");
  });

  test("and is fenced: it is replaced at once", () => {
    let isFenced = false;
    const election = lostAt({ mustFence: () => !isFenced });
    election.timer(500 + DOWN);
    isFenced = true;
    assert.deepEqual(words(election.fenced(5000)), ["advertise 100", "acquire", "BACKUP -> MASTER"]);
  });

  test("and is heard again before it is fenced: it is followed", () => {
    const election = lostAt({ mustFence: () => true });
    election.timer(500 + DOWN);
    election.advert(4500, adv(150));
    assert.deepEqual(words(election.fenced(5000)), []);
    assert.equal(election.deadlineMs, 4500 + DOWN);
  });

  test("is known by the address that it advertised from, also over a fault", () => {
    const election = lostAt();
    election.fault(600);
    election.ok(700);
    assert.deepEqual(election.lost(3499), undefined);
    assert.equal(election.lost(3500)?.source, SMALLER);
  });

  test("is nobody where it has left, or was replaced here", () => {
    const left = lostAt();
    left.advert(600, adv(0));
    assert.equal(left.lost(9000), undefined);
    const replaced = lostAt();
    replaced.timer(500 + DOWN);
    assert.equal(replaced.lost(9000), undefined);
  });

  test("is noted by a director with a fault, which takes no part otherwise", () => {
    const election = backup();
    election.fault(0);
    assert.deepEqual(election.advert(500, adv(150)), []);
    assert.equal(election.lost(9000)?.source, SMALLER);
  });
});

describe("INIT", () => {
  test("the owner of the addresses starts as master", () => {
    const election = new Election({ ...SETTINGS, priority: 255 });
    assert.deepEqual(words(election.start(0, OWN)), ["advertise 255", "acquire", "INIT -> MASTER"]);
    assert.equal(election.deadlineMs, 1000);
  });

  test("any other priority starts as backup and waits a whole down time", () => {
    const election = new Election(SETTINGS);
    assert.deepEqual(words(election.start(0, OWN)), ["INIT -> BACKUP"]);
    assert.equal(election.deadlineMs, DOWN);
  });

  test("with a fault it starts in FAULT", () => {
    const election = new Election(SETTINGS);
    election.fault(0);
    assert.deepEqual(words(election.start(0, OWN)), ["INIT -> FAULT"]);
    assert.equal(election.deadlineMs, undefined);
  });

  test("advertisements are ignored", () => {
    assert.deepEqual(new Election(SETTINGS).advert(0, adv(50)), []);
  });
});

describe("BACKUP", () => {
  test("a leaving master is followed after the skew time", () => {
    const election = backup();
    election.advert(500, adv(0));
    assert.equal(election.deadlineMs, 500 + SKEW);
  });

  for (const priority of [100, 150, 255]) {
    test(`a master of priority ${priority} is followed`, () => {
      const election = backup();
      assert.deepEqual(election.advert(500, adv(priority)), []);
      assert.equal(election.deadlineMs, 500 + DOWN);
      assert.deepEqual(election.master, { source: SMALLER, priority, heardMs: 500 });
    });
  }

  test("an equal priority is followed whatever the addresses", () => {
    const election = backup();
    election.advert(500, adv(100, SMALLER));
    assert.equal(election.deadlineMs, 500 + DOWN);
  });

  test("with preempt a lower master is not followed", () => {
    const election = backup();
    assert.deepEqual(election.advert(500, adv(99)), []);
    assert.equal(election.deadlineMs, DOWN);
    assert.equal(election.master, undefined);
  });

  test("has the addresses before it says so and announces them, where a lower master lives, and after it where none does", () => {
    const living = backup();
    living.advert(DOWN - 10, adv(50));
    assert.deepEqual(words(living.timer(DOWN)), [
      "acquire",
      "advertise 100",
      "announce",
      "advertise 100",
      "BACKUP -> MASTER",
    ]);
    const taken = backup();
    taken.advert(0, adv(150));
    assert.deepEqual(words(taken.forceMaster(10, "taken over by the operator")).slice(0, 3), [
      "acquire",
      "advertise 100",
      "announce",
    ]);
    const left = backup();
    left.advert(DOWN - 20, adv(50));
    left.advert(DOWN - 10, adv(0));
    assert.deepEqual(words(left.timer(DOWN + SKEW)), ["advertise 100", "acquire", "BACKUP -> MASTER"]);
  });

  test("without preempt a lower master is followed", () => {
    const election = backup({ preempt: false });
    election.advert(500, adv(1));
    assert.equal(election.deadlineMs, 500 + DOWN);
  });

  test("without preempt it takes over from a master that leaves or is silent", () => {
    const election = backup({ preempt: false });
    election.advert(500, adv(0));
    assert.deepEqual(words(election.timer(500 + SKEW)), ["advertise 100", "acquire", "BACKUP -> MASTER"]);
  });

  test("when the timer runs out it advertises, then takes the addresses", () => {
    const election = backup();
    assert.deepEqual(words(election.timer(DOWN)), ["advertise 100", "acquire", "BACKUP -> MASTER"]);
    assert.equal(election.deadlineMs, DOWN + 1000);
  });

  test("a timer that is asked too early does nothing", () => {
    const election = backup();
    assert.deepEqual(election.timer(DOWN - 0.01), []);
    assert.equal(election.state, "BACKUP");
  });

  test("a stop leads to INIT without a word", () => {
    const election = backup();
    assert.deepEqual(words(election.stop(100)), ["BACKUP -> INIT"]);
    assert.equal(election.deadlineMs, undefined);
  });

  test("a fault leads to FAULT without a word", () => {
    const election = backup();
    assert.deepEqual(words(election.fault(100)), ["BACKUP -> FAULT"]);
    assert.equal(election.deadlineMs, undefined);
  });

  test("version 3 learns the interval of the master it follows", () => {
    const election = backup({ version: 3 });
    election.advert(0, adv(150, SMALLER, 10));
    assert.equal(election.deadlineMs, 36.09375);
  });

  test("version 3 does not learn from a lower master that it does not follow", () => {
    const election = backup({ version: 3 });
    election.advert(0, adv(50, SMALLER, 10));
    assert.equal(election.deadlineMs, DOWN);
  });

  test("a priority that changes moves the deadline by the difference of the skew times", () => {
    const election = backup();
    election.setPriority(100, 228);
    assert.equal(election.deadlineMs, DOWN - 500);
  });

  test("more advertisements may be missing where that is configured", () => {
    assert.equal(backup({ deadAdverts: 10 }).deadlineMs, 10_609.375);
  });

  test("a timer later than an interval proves nothing, and the wait begins anew", () => {
    const election = backup();
    assert.deepEqual(words(election.timer(DOWN + 1001)), ["stalled"]);
    assert.equal(election.state, "BACKUP");
    assert.equal(election.deadlineMs, DOWN + 1001 + DOWN);
  });

  test("a timer that is late by less than an interval takes over", () => {
    const election = backup();
    election.timer(DOWN + 999);
    assert.equal(election.state, "MASTER");
  });

  test("the sync group's refusal makes it wait on, ready", () => {
    let isAgreed = false;
    const election = backup({ mayBecomeMaster: () => isAgreed });
    assert.deepEqual(election.timer(DOWN), []);
    assert.equal(election.state, "BACKUP");
    assert.equal(election.isReady, true);
    isAgreed = true;
    election.timer(2 * DOWN);
    assert.equal(election.state, "MASTER");
  });

  test("an advertisement that is followed ends the readiness", () => {
    const election = backup({ mayBecomeMaster: () => false });
    election.timer(DOWN);
    election.advert(DOWN + 1, adv(150));
    assert.equal(election.isReady, false);
  });

  test("the operator's or the group's wish makes it master at once", () => {
    const election = backup();
    assert.deepEqual(words(election.forceMaster(5, "the sync group became master")), [
      "advertise 100",
      "acquire",
      "BACKUP -> MASTER",
    ]);
  });
});

describe("preempt delay", () => {
  const delayed = () => backup({ preemptDelayMs: 2000 });

  test("a lower master is followed until the delay is over, then no more", () => {
    const election = delayed();
    election.advert(100, adv(80));
    assert.equal(election.deadlineMs, 100 + DOWN);
    election.advert(2099, adv(80));
    assert.equal(election.deadlineMs, 2099 + DOWN);
    election.advert(2100, adv(80));
    assert.equal(election.deadlineMs, 2099 + DOWN);
  });

  test("an equal or better master cancels the delay", () => {
    const election = delayed();
    election.advert(100, adv(80));
    election.advert(1000, adv(100));
    election.advert(2500, adv(80));
    assert.equal(election.deadlineMs, 2500 + DOWN);
  });

  test("taking over from silence is not delayed", () => {
    const election = delayed();
    election.timer(DOWN);
    assert.equal(election.state, "MASTER");
  });
});

describe("MASTER", () => {
  test("the timer advertises and nothing else, without drift", () => {
    const election = master();
    assert.deepEqual(words(election.timer(DOWN + 1002)), ["advertise 100"]);
    assert.equal(election.deadlineMs, DOWN + 2000);
  });

  test("a leaving master is answered at once", () => {
    const election = master();
    assert.deepEqual(words(election.advert(4000, adv(0))), ["advertise 100"]);
    assert.equal(election.deadlineMs, 5000);
  });

  test("to a higher priority it yields, after a last advertisement", () => {
    const election = master();
    assert.deepEqual(words(election.advert(4000, adv(101))), [
      "advertise 100",
      "release at once",
      "MASTER -> BACKUP",
    ]);
    assert.equal(election.deadlineMs, 4000 + DOWN);
  });

  test("when the one that it has yielded to is heard again, clients know it: the addresses go at once", () => {
    const election = master();
    election.advert(4000, adv(101, GREATER));
    assert.deepEqual(words(election.advert(4001, adv(101, GREATER))), ["hasten"]);
    assert.deepEqual(words(election.advert(4002, adv(101, GREATER))), []);
  });

  test("when a third one is heard instead, nothing is known of clients", () => {
    const election = master();
    election.advert(4000, adv(101, GREATER));
    assert.deepEqual(words(election.advert(4001, adv(150, SMALLER))), []);
  });

  test("the last advertisement can be switched off", () => {
    const election = master({ lastAdvert: false });
    assert.deepEqual(words(election.advert(4000, adv(101))), ["release at once", "MASTER -> BACKUP"]);
  });

  test("to an equal priority with a greater address it yields", () => {
    const election = master();
    election.advert(4000, adv(100, GREATER));
    assert.equal(election.state, "BACKUP");
  });

  test("addresses are compared as numbers, not as text", () => {
    const election = new Election(SETTINGS);
    election.start(0, "10.0.0.9");
    election.timer(DOWN);
    election.advert(4000, adv(100, "10.0.0.10"));
    assert.equal(election.state, "BACKUP");
  });

  test("yielding with version 3 learns the other's interval", () => {
    const election = master({ version: 3 });
    election.advert(4000, adv(200, GREATER, 100));
    assert.equal(election.deadlineMs, 4000 + 360.9375);
  });

  for (const [name, heard] of [
    ["a lower priority", adv(99, GREATER)],
    ["an equal priority with a smaller address", adv(100, SMALLER)],
  ] as const) {
    test(`${name} is answered with an advertisement and an announcement`, () => {
      const election = master();
      assert.deepEqual(words(election.advert(4000, heard)), ["announce", "advertise 100", "conflict"]);
      assert.equal(election.deadlineMs, 5000);
    });
  }

  test("the last advertisement of a lower master brings on another announcement, and an advertisement that says so: it may have announced since the first", () => {
    const election = master();
    election.advert(4000, adv(50));
    assert.deepEqual(words(election.advert(4002, adv(50))), ["announce", "advertise 100"]);
  });

  test("a burst of lower advertisements is answered once in 100 ms and does not move the timer", () => {
    const election = master();
    election.advert(4000, adv(50));
    election.advert(4001, adv(50));
    for (let at = 4002; at < 4100; at += 7) assert.deepEqual(election.advert(at, adv(50)), []);
    assert.equal(election.deadlineMs, 5000);
    assert.deepEqual(words(election.advert(4100, adv(50))), ["announce", "advertise 100", "conflict"]);
  });

  test("without preempt a master still yields to a higher priority", () => {
    const election = master({ preempt: false });
    election.advert(4000, adv(101));
    assert.equal(election.state, "BACKUP");
  });

  test("on a stop it gives up in order, and says so only when the addresses are gone", () => {
    const election = master();
    assert.deepEqual(words(election.stop(4000)), ["release in order"]);
    assert.equal(election.state, "MASTER");
    assert.equal(election.isLeaving, true);
    assert.deepEqual(words(election.timer(DOWN + 1000)), ["advertise 100"]);
    assert.deepEqual(words(election.released(5000)), ["advertise 0", "MASTER -> INIT"]);
    assert.equal(election.deadlineMs, undefined);
  });

  test("on a fault it gives the addresses up first, then says so", () => {
    const election = master();
    assert.deepEqual(words(election.fault(4000)), ["release at once"]);
    assert.deepEqual(words(election.released(4001)), ["advertise 0", "MASTER -> FAULT"]);
  });

  test("on the operator's standby it gives up in order", () => {
    assert.deepEqual(words(master().fault(4000, true)), ["release in order"]);
  });

  test("a stop while it leaves because of a fault ends in INIT", () => {
    const election = master();
    election.fault(4000);
    assert.deepEqual(election.stop(4001), []);
    assert.deepEqual(words(election.released(4002)), ["advertise 0", "MASTER -> INIT"]);
  });

  test("a fault that is gone before the addresses are leads to BACKUP", () => {
    const election = master();
    election.fault(4000);
    assert.deepEqual(election.ok(4001), []);
    assert.deepEqual(words(election.released(4002)), ["advertise 0", "MASTER -> BACKUP"]);
    assert.equal(election.deadlineMs, 4002 + DOWN);
  });

  test("a better master ends the leaving: the addresses go at once and nothing more is said", () => {
    const election = master();
    election.stop(4000);
    assert.deepEqual(words(election.advert(4100, adv(200))), [
      "advertise 100",
      "release at once",
      "MASTER -> INIT",
    ]);
    assert.deepEqual(election.released(4200), []);
  });

  test("a lower effective priority shows in the next advertisement only", () => {
    const election = master();
    assert.deepEqual(election.setPriority(4000, 10), []);
    assert.deepEqual(words(election.timer(DOWN + 1000)), ["advertise 10"]);
  });

  test("with its sync group it yields to nobody in particular", () => {
    const election = master();
    assert.deepEqual(words(election.forceBackup(4000, "the sync group left master")), [
      "advertise 100",
      "release at once",
      "MASTER -> BACKUP",
    ]);
    assert.equal(election.deadlineMs, 4000 + DOWN);
  });
});

describe("FAULT", () => {
  test("advertisements are ignored", () => {
    const election = backup();
    election.fault(0);
    assert.deepEqual(election.advert(100, adv(0)), []);
    assert.equal(election.deadlineMs, undefined);
  });

  test("without preempt as well, a whole down time is waited when all is well again", () => {
    const election = backup({ preempt: false });
    election.fault(0);
    assert.deepEqual(words(election.ok(5000)), ["FAULT -> BACKUP"]);
    assert.equal(election.deadlineMs, 5000 + DOWN);
  });

  test("a stop leads to INIT", () => {
    const election = backup();
    election.fault(0);
    assert.deepEqual(words(election.stop(10)), ["FAULT -> INIT"]);
  });
});

describe("a master that was stalled", () => {
  /** Its next advertisement was due then. */
  const DUE = DOWN + 1000;
  /** Two intervals and the skew of the best backup: nobody can have taken over before. */
  const LIMIT = 2000 + 7.8125;

  test("is on time until a backup can have taken over", () => {
    assert.deepEqual(words(master().timer(DUE + LIMIT)), ["advertise 100"]);
  });

  for (const heard of [adv(50), adv(100, SMALLER), adv(200)]) {
    test(`yields in silence to whoever advertised meanwhile, also to priority ${heard.priority}`, () => {
      const election = master();
      assert.deepEqual(words(election.advert(DUE + LIMIT + 1, heard)), [
        "stalled",
        "release at once",
        "MASTER -> BACKUP",
      ]);
      assert.equal(election.deadlineMs, DUE + LIMIT + 1 + DOWN);
    });
  }

  test("goes on at once after a short stall in which nobody was heard", () => {
    assert.deepEqual(words(master().timer(DUE + LIMIT + 1)), ["stalled", "advertise 100", "acquire"]);
  });

  test("listens for an interval after a long stall, then goes on if nobody is heard", () => {
    const election = master();
    assert.deepEqual(words(election.timer(DUE + 60_000)), ["stalled"]);
    assert.equal(election.deadlineMs, DUE + 61_000);
    assert.deepEqual(words(election.timer(DUE + 61_000)), ["advertise 100", "acquire"]);
    assert.equal(election.state, "MASTER");
  });

  test("yields in silence to whoever is heard while it listens", () => {
    const election = master();
    election.timer(DUE + 60_000);
    assert.deepEqual(words(election.advert(DUE + 60_500, adv(50))), ["release at once", "MASTER -> BACKUP"]);
  });

  test("goes on listening after a second stall", () => {
    const election = master();
    election.timer(DUE + 60_000);
    assert.deepEqual(words(election.timer(DUE + 90_000)), ["stalled"]);
    assert.equal(election.deadlineMs, DUE + 91_000);
  });

  test("says nothing when it is stopped while it listens", () => {
    const election = master();
    election.timer(DUE + 60_000);
    election.stop(DUE + 60_100);
    assert.deepEqual(words(election.released(DUE + 60_200)), ["MASTER -> INIT"]);
  });
});

describe("the trace of the reference, version 2, priority 100", () => {
  const common = (): Election => {
    const election = new Election(SETTINGS);
    const expect = (state: string, deadline: number): void => {
      assert.equal(election.state, state);
      assert.equal(election.deadlineMs, deadline);
    };
    election.start(0, OWN);
    expect("BACKUP", 3609.375);
    election.advert(500, adv(150));
    expect("BACKUP", 4109.375);
    election.advert(1500, adv(150));
    expect("BACKUP", 5109.375);
    election.advert(1700, adv(0));
    expect("BACKUP", 2309.375);
    election.timer(2309.375);
    expect("MASTER", 3309.375);
    election.advert(3000, adv(90, "10.0.0.3"));
    expect("MASTER", 4000);
    election.advert(3900, adv(100, SMALLER));
    expect("MASTER", 4900);
    election.advert(4200, adv(100, GREATER));
    expect("BACKUP", 7809.375);
    return election;
  };

  test("with preempt the lower master at 4.3 s is ignored", () => {
    const election = common();
    election.advert(4300, adv(80, "10.0.0.3"));
    assert.equal(election.deadlineMs, 7809.375);
    assert.deepEqual(words(election.stop(5000)), ["BACKUP -> INIT"]);
  });

  for (const [name, settings, deadline] of [
    ["nopreempt", { preempt: false }, 7909.375],
    ["a preempt delay of 2 s", { preemptDelayMs: 2000 }, 7909.375],
  ] as const) {
    test(`with ${name} it is followed`, () => {
      const election = new Election({ ...SETTINGS, ...settings });
      election.start(0, OWN);
      election.advert(4200, adv(100, GREATER));
      election.advert(4300, adv(80, "10.0.0.3"));
      assert.equal(election.deadlineMs, deadline);
    });
  }

  test("with a preempt delay the end is at 9.809375 s", () => {
    const election = new Election({ ...SETTINGS, preemptDelayMs: 2000 });
    election.start(0, OWN);
    election.advert(4300 - 100, adv(100, GREATER));
    election.advert(4300, adv(80));
    election.advert(6200, adv(80));
    assert.equal(election.deadlineMs, 9809.375);
    election.advert(6400, adv(80));
    assert.equal(election.deadlineMs, 9809.375);
    election.timer(9809.375);
    assert.equal(election.state, "MASTER");
  });

  test("version 3 follows at the master's 10 ms and advertises at its own 1 s", () => {
    const election = new Election({ ...SETTINGS, version: 3 });
    election.start(0, OWN);
    election.advert(100, adv(150, SMALLER, 100));
    assert.equal(election.deadlineMs, 460.9375);
    election.timer(460.9375);
    assert.equal(election.deadlineMs, 1460.9375);
  });
});
