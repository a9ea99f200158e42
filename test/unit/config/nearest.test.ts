import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestName } from "../../../src/config/nearest.js";

const NAMES = ["weight", "address", "upper-threshold", "lower-threshold", "rr", "wrr"];

test("a letter too many, too few, wrong or swapped still finds the name", () => {
  for (const typed of ["weightt", "weigt", "weighd", "wieght", "WEIGHT"]) {
    assert.equal(nearestName(typed, NAMES), "weight", typed);
  }
});

test("the nearer one of two similar names is found", () => {
  assert.equal(nearestName("loewr-threshold", NAMES), "lower-threshold");
  assert.equal(nearestName("wrrr", NAMES), "wrr");
});

test("nothing is suggested where no name is near", () => {
  for (const typed of ["persistence", "xy", "", "w".repeat(1000)]) {
    assert.equal(nearestName(typed, NAMES), undefined, typed);
  }
});
