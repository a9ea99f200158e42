/** Against the real `ip`, with commands that change nothing. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { IpCommand } from "../../../../src/ha/links/ip-command.js";
import { complaints, listedInterfaces } from "../../../../src/ha/links/ip-output.js";
import { SystemTimers } from "../../../../src/ha/timers.js";

const skip = ipMissing();

async function withIp(use: (ip: IpCommand) => Promise<void>): Promise<void> {
  const ip = new IpCommand(new SystemTimers());
  try {
    await use(ip);
  } finally {
    ip.close();
  }
}

test("answers belong to their batches, also when several are asked at once", { skip }, () =>
  withIp(async (ip) => {
    const batches = await Promise.all([
      ip.run(["addr show dev lo"]),
      ip.run([]),
      ip.run(["addr show dev none0"]),
      ip.run(["addr show dev lo"]),
    ]);
    const names = batches.map((lines) => listedInterfaces(lines).map(({ name }) => name));
    assert.deepEqual(names, [["lo"], [], [], ["lo"]]);
    assert.match(complaints(batches[2])[0], /none0/);
    assert.deepEqual(complaints(batches[3]), []);
  }),
);

test("a command that fails does not stop the others", { skip }, () =>
  withIp(async (ip) => {
    const lines = await ip.run(["nonsense", "addr del 192.0.2.77/32 dev lo", "addr show dev lo"]);
    assert.deepEqual(
      listedInterfaces(lines).map(({ name }) => name),
      ["lo"],
    );
    assert.equal(complaints(lines).length, 2);
  }),
);

test("it is started again after it was closed", { skip }, () =>
  withIp(async (ip) => {
    await ip.run([]);
    ip.close();
    assert.deepEqual(listedInterfaces(await ip.run(["addr show dev lo"])).length, 1);
  }),
);

function ipMissing(): string | undefined {
  try {
    execFileSync("ip", ["-V"], { stdio: "ignore" });
    return undefined;
  } catch {
    return "the program ip is not installed";
  }
}
