import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { EVENTS } from "../../../../bench/ha/events.js";
import { parseHaOptions } from "../../../../bench/ha/options.js";
import { keepalivedProduct, uvsProduct } from "../../../../bench/ha/products.js";
import { HA_BEGIN, HA_END, renderHa, replaceHaResults } from "../../../../bench/ha/report.js";

const cell = {
  event: EVENTS[0],
  timing: EVENTS[0].timings[0],
  cast: { a: uvsProduct, b: keepalivedProduct },
  results: [
    {
      outageMs: 0,
      lost: 0,
      holdersMs: 0,
      mastersMs: Number.NEGATIVE_INFINITY,
      announcements: 5,
      announcementSets: 1,
      phaseMs: 4,
      noticedMs: 30,
      silenceMs: 9,
    },
    {
      outageMs: 12.34,
      lost: 11,
      holdersMs: 2.5,
      mastersMs: -3,
      announcements: 5,
      announcementSets: 1,
      phaseMs: 4,
      noticedMs: 30,
      silenceMs: 9,
    },
    {
      outageMs: 3000.4,
      lost: 2990,
      holdersMs: 0,
      mastersMs: 1,
      announcements: 6,
      announcementSets: 1,
      phaseMs: 4,
      noticedMs: 30,
      silenceMs: 9,
    },
  ],
  failures: ["one"],
};

describe("the report of the HA bench", () => {
  test("has least, median and greatest outage, and the worst run of what must not be", () => {
    const [, , row] = renderHa({ facts: {}, cells: [cell], notes: [] }, "markdown").split("\n");
    assert.deepEqual(
      row
        .split("|")
        .map((text) => text.trim())
        .slice(2, 10),
      [
        "v2 1 s",
        "uvs to keepalived",
        "0.0 / 12.3 / 3000; 1 runs failed",
        "0 to 2990",
        "1.0",
        "2.5",
        "5 to 6 (1)",
        "-",
      ],
    );
  });

  test("goes between its markers in bench/README.md, and nothing else there changes", () => {
    const readme = readFileSync(new URL("../../../../../bench/README.md", import.meta.url), "utf8");
    const written = replaceHaResults(readme, "the table");
    assert.ok(written.includes(`${HA_BEGIN}\n\nthe table\n\n${HA_END}`));
    const around = (text: string) => [text.split(HA_BEGIN)[0], text.split(HA_END)[1]];
    assert.deepEqual(around(written), around(readme));
    assert.throws(() => replaceHaResults("nothing", "x"), /must hold the lines/);
  });
});

describe("the command line of the HA bench", () => {
  const known = EVENTS.map(({ name }) => name);

  test("measures all by default, ten times each", () => {
    const { runs, events, directors } = parseHaOptions([], known);
    assert.deepEqual([runs, events, directors], [10, known, ["uvs", "keepalived"]]);
  });

  test("refuses what it does not know, and says what it knows", () => {
    assert.throws(() => parseHaOptions(["--runs", "0"], known), /found "0", accepted is a whole number/);
    assert.throws(() => parseHaOptions(["--only", "cable,fire"], known), /found "fire", accepted are crash/);
    assert.throws(() => parseHaOptions(["--directors", "x"], known), /accepted are uvs, keepalived/);
  });
});
