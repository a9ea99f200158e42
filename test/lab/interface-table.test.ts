/** Addresses by netlink, as `ip` sees them, in a network namespace. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { labMissing, VrrpLab } from "../helpers/vrrp-lab.js";

const NATIVE = new URL("../../src/dataplane/native/", import.meta.url);
const skip = process.env["CI"] ? undefined : labMissing();

/** Runs statements with a `table` in a host's namespace. @returns the values that they `say` */
function inHost(lab: VrrpLab, host: ReturnType<VrrpLab["addHost"]>, statements: string): unknown[] {
  const path = (file: string): string => JSON.stringify(fileURLToPath(new URL(file, NATIVE)));
  const program = `
    import { InterfaceTable } from ${path("interface-table.js")};
    import { loadLibc } from ${path("libc.js")};
    const table = new InterfaceTable(loadLibc());
    const said = [];
    const say = (value) => said.push(value ?? null);
    ${statements}
    console.log(JSON.stringify(said));`;
  return JSON.parse(lab.run(host, process.execPath, "--input-type=module", "-e", program)) as unknown[];
}

test("addresses are added as they are wanted, told apart from those there already, and removed", {
  skip,
}, () => {
  const lab = new VrrpLab();
  try {
    const host = lab.addHost("a", 1);
    const said = inHost(
      lab,
      host,
      `
      const v4 = { address: "10.79.0.100", prefix: 24, interface: "eth0", broadcast: "10.79.0.255", label: "eth0:1" };
      say(table.add(v4));
      say(table.add(v4));
      say(table.add({ address: "10.79.0.101", prefix: 32, interface: "eth0", scope: "link" }));
      say(table.add({ address: "fd79::100", prefix: 64, interface: "eth0" }));
      say(table.add({ address: "fd79::101", prefix: 128, interface: "eth0", isDeprecated: true }));
      say(table.look(["eth0", "eth9"]));`,
    );
    const [look] = said.splice(5) as { name: string; isUp: boolean; addresses: string[] }[][];
    assert.deepEqual(said, [null, "EEXIST", null, null, null]);
    assert.equal(look.length, 1);
    assert.equal(look[0].isUp, true);
    for (const address of ["10.79.0.1", "10.79.0.100", "10.79.0.101", "fd79::100", "fd79::101"]) {
      assert.ok(look[0].addresses.includes(address), address);
    }
    const shown = lab.run(host, "ip", "-o", "addr", "show", "dev", "eth0").replaceAll(/\s+/g, " ");
    assert.match(shown, /inet 10\.79\.0\.100\/24 brd 10\.79\.0\.255 scope global secondary eth0:1/);
    assert.match(shown, /inet 10\.79\.0\.101\/32 scope link eth0/);
    assert.match(shown, /inet6 fd79::100\/64 scope global nodad/);
    assert.match(shown, /inet6 fd79::101\/128 scope global nodad deprecated/);
    const left = inHost(
      lab,
      host,
      `
      for (const [address, prefix] of [["10.79.0.100", 24], ["10.79.0.101", 32], ["fd79::100", 64], ["fd79::101", 128]]) {
        say(table.remove({ address, prefix, interface: "eth0" }));
      }
      say(table.remove({ address: "10.79.0.100", prefix: 24, interface: "eth0" }));`,
    );
    assert.deepEqual(left, [null, null, null, null, "EADDRNOTAVAIL"]);
    assert.ok(!lab.run(host, "ip", "-o", "addr", "show", "dev", "eth0").includes("fd79"));
  } finally {
    lab.destroy();
  }
});
