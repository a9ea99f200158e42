/**
 * A thousand random edits of a real director while clients make requests all the while: it ends as a simple model says,
 * and no client notices. A failure is repeated with the seed that is printed.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { applyChange } from "../../src/control/ipvsadm/changes.js";
import { SystemNames } from "../../src/control/ipvsadm/names.js";
import { type RunResult, runIpvsadm } from "../../src/control/ipvsadm/run.js";
import { type Realserver, serviceKey } from "../../src/core/model.js";
import type { RealserverStatus } from "../../src/core/status.js";
import { changeFor, type Edit, PORT, wordsOf } from "../helpers/edits/edit.js";
import { EditLoad, startEchoes } from "../helpers/edits/load.js";
import { EditModel } from "../helpers/edits/model.js";
import { type Batch, EditScript } from "../helpers/edits/script.js";
import { seedOf } from "../helpers/keystream.js";
import { loopbackAddress } from "../helpers/tcp.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

const EDITS = 1000;
const UVSADM = fileURLToPath(new URL("../../src/bin/uvsadm.js", import.meta.url));

const addresses = (count: number): string[] => Array.from({ length: count }, loopbackAddress);

for (const dataplane of ["native", "net"]) {
  test(`1,000 random edits under load end as a model predicts, and no client of the ${dataplane} plane notices`, async (t) => {
    const places = { steady: addresses(4), changing: addresses(6), realservers: addresses(6) };
    const accepted = await startEchoes(t, places.realservers);
    const script = new EditScript(seedOf(t), places);
    const uvsd = await Uvsd.start(t, { config: `dataplane: ${dataplane}\nthreads: 2\n` });
    const first: Batch = { by: "restore", edits: script.begin() };
    await carryOut(uvsd, first);
    let model = follow(new EditModel(), first);

    const load = new EditLoad([...places.steady, ...places.changing], addresses(4));
    t.after(() => load.stop());
    for (const address of places.steady) load.expect(address);
    for (let made = 0; made < EDITS; ) {
      const batch = script.next(model, EDITS - made);
      model = follow(model, batch, (address) => load.interrupt(address));
      await carryOut(uvsd, batch);
      for (const { at } of model.services()) if (model.isUsable(at.address)) load.expect(at.address);
      await assertState(uvsd, model, batch);
      assert.deepEqual(load.failures, [], described(batch));
      made += batch.edits.length;
    }

    const { answered, failures, kept } = await load.stop();
    assert.deepEqual(failures, []);
    t.diagnostic(`${load.answered} requests, ${kept} connections kept`);
    assert.equal(load.answered, accepted(), "realservers took each request once");
    await assertCounts(uvsd, places.steady, answered);
  });
}

/** The model after a batch. @param onUnusable called with addresses that need not serve while it is carried out */
function follow(before: EditModel, { by, edits }: Batch, onUnusable = (_address: string) => {}): EditModel {
  const after = before.copy();
  if (by.startsWith("atomic")) {
    after.applyTogether(edits);
    for (const address of touched(edits)) if (!after.isUsable(address)) onUnusable(address);
    return after;
  }
  for (const edit of edits) {
    after.apply(edit);
    if (edit.op !== "C" && !after.isUsable(edit.at.address)) onUnusable(edit.at.address);
  }
  return after;
}

function touched(edits: readonly Edit[]): string[] {
  return edits.flatMap((edit) => (edit.op === "C" ? [] : [edit.at.address]));
}

/** Asks for a batch; all of it must be accepted. */
async function carryOut({ client, socket }: Uvsd, { by, edits }: Batch): Promise<void> {
  const lines = edits.map(wordsOf);
  const stream = lines.map((words) => `${words.join(" ")}\n`).join("");
  const inProcess = async (argv: readonly string[], stdin: string): Promise<void> => {
    assertAccepted(await runIpvsadm(argv, stdin, client, new SystemNames()), stream);
  };
  switch (by) {
    case "words":
      for (const words of lines) await inProcess(words, "");
      break;
    case "restore":
      await inProcess(["-R"], stream);
      break;
    case "atomic restore":
      await inProcess(["-R", "--atomic"], stream);
      break;
    case "api":
      for (const edit of edits) await applyChange(client, changeFor(edit));
      break;
    case "atomic api":
      assert.deepEqual(await client.applyAtomically(edits.map(changeFor)), [], stream);
      break;
    case "program":
      assertAccepted(await uvsadm(socket, lines.length === 1 ? lines[0] : ["-R"], stream), stream);
      break;
  }
}

async function uvsadm(socket: string, args: readonly string[], stdin: string): Promise<RunResult> {
  const child = spawn(process.execPath, [UVSADM, "--socket", socket, ...args], { timeout: 60_000 });
  child.stdin.on("error", () => {}).end(stdin);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { exit: child.exitCode ?? -1, stdout, stderr };
}

function assertAccepted(result: RunResult, stream: string): void {
  assert.deepEqual(result, { exit: 0, stdout: "", stderr: "" }, stream);
}

/** What the forwarder obeys, and what the director keeps, is what the model says. */
async function assertState({ client }: Uvsd, model: EditModel, batch: Batch): Promise<void> {
  const expected = model.expected();
  const services = await client.services();
  const obeyed = services.map(({ key, settings, realservers }) => {
    return [key, { settings, realservers: realservers.map(settingsOnly) }];
  });
  assert.deepEqual(Object.fromEntries(obeyed), expected, `forwarder after ${described(batch)}`);
  const config = await client.runningConfig();
  const kept = config.services.map(({ id, settings, realservers }) => {
    return [serviceKey(id), { settings, realservers: realservers.toReversed() }];
  });
  assert.deepEqual(Object.fromEntries(kept), expected, `record after ${described(batch)}`);
}

function settingsOnly(server: RealserverStatus): Realserver {
  const { address, port, weight, forwarding, upperThreshold, lowerThreshold } = server;
  return { address, port, weight, forwarding, upperThreshold, lowerThreshold };
}

/** Every request was counted once, and none is active any longer. */
async function assertCounts(
  { client }: Uvsd,
  steady: readonly string[],
  answered: ReadonlyMap<string, number>,
): Promise<void> {
  await waitFor("no connection is active", async () => {
    const services = await client.services();
    return services
      .flatMap(({ realservers, leaving }) => [...realservers, ...leaving])
      .every(({ active }) => active === 0);
  });
  for (const address of steady) {
    const [{ totals }] = await client.services({ protocol: "tcp", address, port: PORT });
    assert.equal(totals.connections, answered.get(address), `connections of ${address}`);
  }
}

function described({ by, edits }: Batch): string {
  return `${by}:\n${edits.map((edit) => wordsOf(edit).join(" ")).join("\n")}`;
}
