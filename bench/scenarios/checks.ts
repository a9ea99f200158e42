/**
 * Health checks at scale: two thousand realservers, each checked by HTTP every second. Counted is what the realservers were
 * asked, so that a peer that skips checks does not look cheap. Meanwhile uvs is asked for its status and how its checks
 * stand, and told to edit, again and again, as its users would: checks run in the process that answers them.
 */
import { setTimeout as delay } from "node:timers/promises";
import { ControlClient } from "../../src/control/client.js";
import type { ServiceStatus } from "../../src/core/status.js";
import { measureCpu } from "../measure/cpu.js";
import { none } from "../peers/none.js";
import { answeredSoFar } from "../realserver/many.js";
import type { Bench, Sample, Scenario } from "./scenario.js";

/** Until every realserver is up, and the start is no longer in the figures (lateness is of the last 20 s at most). */
const SETTLE_MS = 21_000;
const LONGEST_START_MS = 60_000;
const PAUSE_MS = 100;
/** Of asking and telling: some fifty commands of each kind, so that p95 is not the longest of a few. */
const CONTROL_MS = 20_000;

export const checks: Scenario = {
  name: "checks",
  title: "Health checks: 2,000 realservers by HTTP, every second",
  realservers: "many",
  checked: true,
  // The others check nothing (nginx does in its commercial edition), and the checks of uvs-net are those of uvs-native.
  without: [none.name, "nginx", "pipe", "uvs-net"],
  metrics: [
    { key: "processUs", title: "CPU us/check, process", digits: 1 },
    { key: "busy", title: "core busy %", digits: 1, informative: true },
    { key: "perSecond", title: "checks/s", digits: 0, informative: true },
    { key: "lateMs", title: "late start ms, p99", digits: 0, informative: true, target: { below: 100 } },
    { key: "statusMs", title: "status ms, p95", digits: 1, informative: true, target: { below: 50 } },
    { key: "healthMs", title: "health ms, p95", digits: 1, informative: true, target: { below: 50 } },
    { key: "editMs", title: "edit ms, p95", digits: 1, informative: true, target: { below: 50 } },
  ],
  async measure({ pid, control }, { profile }) {
    const client = control === undefined ? undefined : new ControlClient(control);
    await delay(profile.name === "quick" ? SETTLE_MS / 3 : SETTLE_MS);
    const service = client && (await allUp(client));
    const figures = await measureChecks(pid, profile);
    if (client === undefined || service === undefined) return figures;
    const { probes } = await client.health();
    return { ...figures, lateMs: probes.lateness.p99Ms, ...(await measureControl(client, service, profile)) };
  },
};

/** Waits until every check has passed. @throws Error after a minute */
async function allUp(client: ControlClient): Promise<ServiceStatus> {
  const deadline = Date.now() + LONGEST_START_MS;
  for (;;) {
    const [service] = await client.services();
    if (service.realservers.every(({ health }) => health?.state === "up")) return service;
    if (Date.now() > deadline) throw new Error("not every realserver is up");
    await delay(PAUSE_MS);
  }
}

async function measureChecks(pid: number | undefined, { seconds }: Bench["profile"]): Promise<Sample> {
  const before = await answeredSoFar();
  const finish = measureCpu(pid);
  await delay(seconds * 1000);
  const { processUs = 0, elapsedUs } = finish();
  const count = (await answeredSoFar()) - before;
  if (count === 0) throw new Error("no realserver was checked");
  return {
    processUs: processUs / count,
    busy: (100 * processUs) / elapsedUs,
    perSecond: (1e6 * count) / elapsedUs,
  };
}

/** How long control commands take, in milliseconds. Status and health are of all realservers. */
async function measureControl(
  client: ControlClient,
  { id, realservers }: ServiceStatus,
  { seconds, name }: Bench["profile"],
): Promise<Sample> {
  const deadline = Date.now() + (name === "quick" ? seconds * 1000 : CONTROL_MS);
  const times = { statusMs: [] as number[], healthMs: [] as number[], editMs: [] as number[] };
  const timed = async (kind: keyof typeof times, command: () => Promise<unknown>): Promise<void> => {
    const from = performance.now();
    await command();
    times[kind].push(performance.now() - from);
    await delay(PAUSE_MS);
  };
  for (let i = 0; Date.now() < deadline; i++) {
    await timed("statusMs", () => client.status());
    await timed("healthMs", () => client.health());
    const { address, port, forwarding, upperThreshold, lowerThreshold } = realservers[i];
    const weight = 2;
    await timed("editMs", () =>
      client.editRealserver(id, { address, port, weight, forwarding, upperThreshold, lowerThreshold }),
    );
  }
  const p95 = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length * 0.95)];
  return { statusMs: p95(times.statusMs), healthMs: p95(times.healthMs), editMs: p95(times.editMs) };
}
