import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ListingChoice } from "../../../src/control/operations.js";
import { DEFAULT_SETTINGS } from "../../../src/core/model.js";
import { Listing } from "../../../src/director/listing.js";
import { Figures, Layout } from "../../../src/forwarder/figures.js";
import { realserver, VIP } from "../../helpers/balancer-bench.js";

const KEY = "tcp://10.77.0.100:80";
const servers = [realserver("10.77.2.1"), realserver("10.77.2.2"), realserver("10.77.2.3")];
const services = [{ id: VIP, settings: DEFAULT_SETTINGS, realservers: servers }];
const unsorted: ListingChoice = { format: "plain", sorted: false, exact: false };

/** Address, active and inactive connections of each realserver in a listing. */
function rowsOf(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("  -> 10."))
    .map((line) => line.trim().split(/ +/))
    .map(([, address, , , active, inactive]) => [address, active, inactive]);
}

function counted(names: readonly string[], rows: readonly number[]): Figures {
  return new Figures("connections", new Layout(1, [[KEY, names]]), rows);
}

describe("listing", () => {
  test("realservers are listed in the forwarder's order with its counts, those that it does not have last", () => {
    const figures = counted(["10.77.2.1:80", "10.77.2.3:80"], [1, 4, 3, 2, 2, 5, 6, 7]);
    assert.deepEqual(rowsOf(new Listing().text(services, figures, unsorted)), [
      ["10.77.2.1:80", "4", "3"],
      ["10.77.2.3:80", "5", "6"],
      ["10.77.2.2:80", "0", "0"],
    ]);
  });

  test("sorted, each realserver keeps its own counts", () => {
    const figures = counted(["10.77.2.3:80", "10.77.2.2:80", "10.77.2.1:80"], [1, 3, 0, 0, 3, 1, 0, 0]);
    assert.deepEqual(rowsOf(new Listing().text(services, figures, { ...unsorted, sorted: true })), [
      ["10.77.2.1:80", "1", "0"],
      ["10.77.2.2:80", "0", "0"],
      ["10.77.2.3:80", "3", "0"],
    ]);
  });

  test("without a forwarder all are listed, newest first", () => {
    assert.deepEqual(rowsOf(new Listing().text(services, undefined, unsorted)), [
      ["10.77.2.3:80", "0", "0"],
      ["10.77.2.2:80", "0", "0"],
      ["10.77.2.1:80", "0", "0"],
    ]);
  });

  test("what was listed once is not kept when services, order or counts change", () => {
    const listing = new Listing();
    const names = ["10.77.2.1:80", "10.77.2.2:80"];
    listing.text(services, counted(names, []), unsorted);
    const fewer = [{ ...services[0], realservers: servers.slice(0, 2) }];
    assert.deepEqual(rowsOf(listing.text(fewer, counted(names, [2, 1, 0, 0]), unsorted)), [
      ["10.77.2.1:80", "0", "0"],
      ["10.77.2.2:80", "1", "0"],
    ]);
    assert.deepEqual(rowsOf(listing.text(fewer, counted(names.toReversed(), [2, 9, 0, 0]), unsorted)), [
      ["10.77.2.2:80", "0", "0"],
      ["10.77.2.1:80", "9", "0"],
    ]);
  });

  test("a realserver that is edited is listed as it is now, and so are the others of its service", () => {
    const listing = new Listing();
    const figures = counted(["10.77.2.1:80", "10.77.2.2:80", "10.77.2.3:80"], []);
    const choice = { ...unsorted, sorted: true };
    listing.text(services, figures, choice);
    const edited = [{ ...services[0], realservers: [servers[0], { ...servers[1], weight: 7 }, servers[2]] }];
    const text = listing.text(edited, figures, choice);
    const weights = [...text.matchAll(/^ {2}-> 10\.\S+ +\S+ +(\d+)/gm)].map(([, weight]) => weight);
    assert.deepEqual(weights, ["1", "7", "1"]);
  });

  test("traffic of a service stands in its line, and numbers of a hundred million are shortened unless exact", () => {
    const layout = new Layout(1, [[KEY, ["10.77.2.1:80", "10.77.2.2:80", "10.77.2.3:80"]]]);
    const figures = new Figures("totals", layout, [0, 5, 6, 7, 123456789, 9, 1, 2, 3, 4, 123456789, 5]);
    const choice: ListingChoice = { format: "stats", sorted: true, exact: false };
    const listing = new Listing();
    const [service, first] = listing.text(services, figures, choice).split("\n").slice(3);
    assert.equal(service, "TCP  10.77.0.100:80                      5        6        7  123456K        9");
    assert.equal(first, "  -> 10.77.2.1:80                        2        3        4  123456K        5");
    assert.match(listing.text(services, figures, { ...choice, exact: true }), /7 123456789 {8}9\n/);
  });

  test("saved are the commands that make the table again, in their order", () => {
    const text = new Listing().text(services, undefined, { format: "save", sorted: true, exact: false });
    const [add, ...rest] = text.trimEnd().split("\n");
    assert.equal(add, "-A -t 10.77.0.100:80 -s wlc");
    assert.deepEqual(
      rest.map((line) => line.replace(/ -[mgi] .*/, "")),
      ["1", "2", "3"].map((last) => `-a -t 10.77.0.100:80 -r 10.77.2.${last}:80`),
    );
  });
});
