import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Figures, Layout } from "../../../src/forwarder/figures.js";

const WEB = "tcp://10.77.0.100:80";
const MAIL = "tcp://10.77.0.100:25";
const layout = new Layout(4, [
  [WEB, ["10.77.2.2:80", "10.77.2.1:80"]],
  [MAIL, ["10.77.2.1:25"]],
]);

describe("figures", () => {
  test("each service has a place, and those of its realservers follow it", () => {
    const places = [
      layout.placeOf(WEB),
      layout.placeOf(WEB, "10.77.2.2:80"),
      layout.placeOf(WEB, "10.77.2.1:80"),
      layout.placeOf(MAIL),
      layout.placeOf(MAIL, "10.77.2.1:25"),
    ];
    assert.deepEqual(places, [0, 1, 2, 3, 4]);
    assert.equal(layout.placeOf(MAIL, "10.77.2.1:80"), undefined);
    assert.equal(layout.placeOf("fwmark://1"), undefined);
  });

  test("what no row tells of is zero", () => {
    const { values } = new Figures("connections", layout, [2, 7, 8, 9, 4, 1, 0, 0]);
    assert.deepEqual([...values], [0, 0, 0, 0, 0, 0, 7, 8, 9, 0, 0, 0, 1, 0, 0]);
  });

  test("connections that an older generation finishes are counted with the newest one's, its templates are not", () => {
    const newest = new Figures("connections", layout, [1, 1, 1, 1, 2, 0, 2, 0]);
    const others = new Layout(9, [
      ["tcp://10.77.0.101:80", ["10.77.2.1:80"]],
      [WEB, ["10.77.2.1:80", "10.77.2.9:80"]],
    ]);
    newest.add(new Figures("connections", others, [1, 5, 5, 5, 3, 10, 20, 30, 4, 1, 1, 1]), 2);
    assert.deepEqual([...newest.values], [0, 0, 0, 1, 1, 1, 10, 22, 0, 0, 0, 0, 0, 0, 0]);
  });
});
