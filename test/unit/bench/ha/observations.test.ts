import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type ProberReport, summarise } from "../../../../bench/ha/observations.js";

/** A probe each millisecond from 0 on; answered by who is named, `.` by nobody. */
function report(answers: string, rest: Partial<ProberReport> = {}): ProberReport {
  const probes = [...answers, ..."aaaaaa"].map((by, sentMs) => ({ sentMs, by: by === "." ? "" : by }));
  return { probes, adverts: [], announcements: [], ...rest };
}

const advert = (atMs: number, by: string, priority = 100) => ({ atMs, by, id: 51, priority });

describe("what a run of the HA bench comes to", () => {
  test("the outage is the time between answered probes around the longest loss", () => {
    const { outageMs, lost } = summarise(report("aa.aaa...bb.b"), [], ["a", "b"], 0);
    assert.deepEqual([outageMs, lost], [4, 5]);
  });

  test("nothing lost is no outage, and one that does not end is endless", () => {
    assert.equal(summarise(report("aaaa"), [], ["a", "b"], 0).outageMs, 0);
    const probes = [..."aa........"].map((by, sentMs) => ({ sentMs, by: by === "." ? "" : by }));
    assert.equal(
      summarise({ probes, adverts: [], announcements: [] }, [], ["a", "b"], 0).outageMs,
      Number.POSITIVE_INFINITY,
    );
  });

  test("what was before the event does not count", () => {
    const { lost, announcements } = summarise(
      report("a..aaaaa", { announcements: [1, 5].map((atMs) => ({ atMs, by: "a" })) }),
      [],
      ["a", "b"],
      4,
    );
    assert.deepEqual([lost, announcements], [0, 1]);
  });

  test("two hosts hold the address while both have it and both can be reached", () => {
    const holdings = [
      { host: "a", fromMs: 0, toMs: 8 },
      { host: "b", fromMs: 5, toMs: Number.POSITIVE_INFINITY },
    ];
    assert.equal(summarise(report("aaaaaaaaaa"), holdings, ["a", "b"], 0).holdersMs, 3);
    assert.equal(
      summarise(report("aaaaaaaaaa"), holdings, ["a", "b"], 0, { host: "a", atMs: 4 }).holdersMs,
      0,
    );
  });

  test("the phase is counted from the master's last advertisement, and so is how long the other one took to notice", () => {
    const adverts = [advert(1, "a"), advert(2, "x"), advert(3, "b"), advert(5, "a"), advert(9, "b")];
    const { phaseMs, noticedMs } = summarise(report("aaaaaaaaaa", { adverts }), [], ["a", "b"], 7);
    assert.deepEqual([phaseMs, noticedMs], [2, 4]);
  });

  test("masters overlap from the first word of the new one to the last of the old one; leaving is no such word", () => {
    const adverts = [
      advert(1, "a"),
      advert(3, "b"),
      advert(4, "a"),
      advert(6, "a", 0),
      advert(8, "x"),
      advert(9, "b"),
    ];
    const { mastersMs, silenceMs } = summarise(report("aaaaaaaaaa", { adverts }), [], ["a", "b"], 0);
    assert.deepEqual([mastersMs, silenceMs], [1, 3]);
    assert.ok(
      summarise(report("aaaa", { adverts: [advert(1, "a"), advert(2, "b")] }), [], ["a", "b"], 0).mastersMs <
        0,
    );
  });
});
