/** The guardian of a director that has died, alone: what it finds. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { encodeDuty } from "../../src/director/ha/duty.js";
import { HaLab, VIP } from "../helpers/ha-lab.js";
import { labMissing, textOf } from "../helpers/vrrp-lab.js";

const GUARDIAN = fileURLToPath(new URL("../../src/director/ha/guardian-process.js", import.meta.url));

for (const [what, isTold] of [
  ["that it was told of", true],
  ["that the director only came to note before it died", false],
] as const) {
  test(`an address ${what} is taken off`, { skip: labMissing() }, () =>
    HaLab.with(async ({ net, a }) => {
      const note = join(net.folder, "held");
      const address = { address: VIP, prefix: 24, interface: "eth0" };
      writeFileSync(note, JSON.stringify([address]));
      net.run(a, "ip", "addr", "add", `${VIP}/24`, "dev", "eth0");
      const guardian = net.spawn(a, process.execPath, [GUARDIAN]);
      const duty = { held: isTold ? [address] : [], farewells: [], note };
      guardian.stdin?.end(encodeDuty({ ...duty, log: { level: "fatal", format: "json" } }));
      await once(guardian, "exit");
      assert.ok(!net.has(a, VIP));
      assert.equal(textOf(note), "[]");
    }),
  );
}
