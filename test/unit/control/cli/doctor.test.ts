import assert from "node:assert/strict";
import { test } from "node:test";
import { ExitCode } from "../../../../src/control/cli/command.js";
import { InMemoryOperations } from "../../../helpers/in-memory-operations.js";
import { uvs } from "../../../helpers/run-uvs.js";

const OK = { state: "ok", subject: "data plane", found: "native, 2 threads" } as const;
const GONE = {
  state: "fail",
  subject: "rules",
  found: "1 of 2 are gone",
  advice: "by hand:\nnft -f -",
} as const;
const RULE = {
  text: "ip -4 rule add x",
  meaning: "leads there",
  shownBy: "ip -4 rule show",
  isPresent: true,
};

test("doctor prints a line a finding, advice under it, and the rules with what they are for", async () => {
  const operations = new InMemoryOperations();
  operations.doctorReport = { findings: [OK, GONE], rules: [RULE, { ...RULE, isPresent: false }] };
  const { exit, out } = await uvs(["doctor"], operations);
  assert.equal(
    out,
    `ok    data plane: native, 2 threads
FAIL  rules: 1 of 2 are gone
      -> by hand:
         nft -f -

made in the kernel, in the order in which a packet meets it:
  ip -4 rule add x
      leads there
      shown by: ip -4 rule show
  GONE  ip -4 rule add x
      leads there
      shown by: ip -4 rule show
`,
  );
  assert.equal(exit, ExitCode.FAILED);
});

test("doctor is content where nothing fails, and says so if nothing was made", async () => {
  const operations = new InMemoryOperations();
  operations.doctorReport = { findings: [OK, { ...GONE, state: "warn" }], rules: [] };
  const { exit, out } = await uvs(["doctor"], operations);
  assert.match(out, /\n\nnothing had to be made in the kernel\n$/);
  assert.equal(exit, ExitCode.OK);
});

test("doctor --json prints what the API answers", async () => {
  const operations = new InMemoryOperations();
  const { out } = await uvs(["doctor", "--json"], operations);
  assert.deepEqual(JSON.parse(out), operations.doctorReport);
});
