/**
 * The listings that the recordings took under traffic, rendered again from the numbers in them: columns, order and
 * large numbers come out as ipvsadm printed them.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ListFormat } from "../../src/control/ipvsadm/command.js";
import { numericText } from "../../src/control/ipvsadm/labels.js";
import { renderService, renderServices } from "../../src/control/ipvsadm/render-services.js";
import { renderConnections } from "../../src/control/ipvsadm/render-state.js";
import { readConnections, readListing } from "../helpers/listing-reader.js";
import { readRecording, recordingNames } from "../helpers/recordings.js";

interface Listing {
  readonly words: readonly string[];
  readonly stdout: string;
}

const LISTINGS: readonly Listing[] = recordingNames()
  .flatMap((name) => readRecording(name).steps)
  .flatMap((step): Listing[] => {
    if ("snapshot" in step) return [{ words: step.snapshot, stdout: step.stdout }];
    if ("ipvsadm" in step && step.exit === 0) return [{ words: step.ipvsadm, stdout: step.stdout }];
    return [];
  })
  .filter(({ words }) => words.join(" ").startsWith("-L -n"));

const FORMATS = ["stats", "rate", "thresholds", "persistent-conn", "tun-info"] as const;

function formatOf(words: readonly string[]): ListFormat {
  return FORMATS.find((format) => words.includes(`--${format}`)) ?? "plain";
}

for (const format of ["plain", ...FORMATS] as const) {
  test(`recorded listings of services come out the same: ${format}`, () => {
    const listings = LISTINGS.filter(
      ({ words, stdout }) => formatOf(words) === format && /^(IP Virtual|Prot)/.test(stdout),
    );
    assert.ok(listings.length >= 2, `${listings.length} listings`);
    for (const { words, stdout } of listings) {
      const choice = {
        format,
        numeric: true,
        exact: words.includes("--exact"),
        sorted: !words.includes("--nosort"),
      };
      const services = readListing(stdout, format);
      const again = stdout.startsWith("IP Virtual")
        ? renderServices(services, choice, numericText)
        : services.map((service) => renderService(service, choice, numericText)).join("");
      assert.equal(again, stdout, words.join(" "));
    }
  });
}

test("recorded listings of connections come out the same", () => {
  const listings = LISTINGS.filter(({ stdout }) => stdout.startsWith("IPVS connection entries"));
  const rows = listings.reduce((count, { stdout }) => count + stdout.split("\n").length - 3, 0);
  assert.ok(rows > 100, `${rows} rows`);
  for (const { words, stdout } of listings) {
    const engines = words.includes("--persistent-conn");
    assert.equal(renderConnections(readConnections(stdout), engines, numericText), stdout, words.join(" "));
  }
});
