/**
 * What one decision costs: each scheduler with few and with many realservers, on the columns that the data plane's threads
 * use. As many connections are open as there are realservers, for the counts are what most schedulers look at.
 */
import { createColumns } from "../../src/balancer/columns.js";
import { ServiceTable } from "../../src/balancer/service-table.js";
import { DEFAULT_REALSERVER, DEFAULT_SETTINGS } from "../../src/core/model.js";
import { NONE } from "../../src/schedulers/columns.js";
import { SCHEDULERS } from "../../src/schedulers/registry.js";
import type { ScheduleKey, Scheduler } from "../../src/schedulers/scheduler.js";
import { type Micro, type MicroResult, summariseTimes, timeEach } from "./micro.js";

const SIZES = [10, 100, 1000];
/** One decision takes less than the clock can tell: a time is the mean of so many. */
const BATCH = 32;
const BATCHES = 1000;
const WARM_UP = 200;
/** Addresses that clients speak to, for the schedulers that choose by them: as many as a busy proxy farm's services. */
const DESTINATIONS = 256;
/** Scatters the clients' addresses. */
const STRIDE = 618_033;

export const schedulers: Micro = {
  name: "schedulers",
  title: `Schedulers: one decision (means of ${BATCH})`,
  measure: () => SCHEDULERS.flatMap((scheduler) => SIZES.map((count) => measure(scheduler, count))),
};

function measure(scheduler: Scheduler, count: number): MicroResult {
  const decide = decisions(scheduler, count);
  const batch = (): void => {
    for (let i = 0; i < BATCH; i++) decide();
  };
  timeEach(WARM_UP, batch);
  const times = timeEach(BATCHES, batch).map((us) => us / BATCH);
  return summariseTimes(`${scheduler.name}, ${count.toLocaleString("en")} realservers`, times);
}

/** A service whose every decision opens a connection, and ends the oldest. */
function decisions(scheduler: Scheduler, count: number): () => void {
  const columns = createColumns({
    services: 1,
    servers: count,
    cacheEntries: DESTINATIONS,
    sources: 1,
    templates: 1,
  });
  const table = new ServiceTable(columns, { serviceBegins() {}, serverBegins() {}, serverEnds() {} });
  const realservers = Array.from({ length: count }, (_, i) => {
    const address = `10.0.${i >> 8}.${i & 255}`;
    return { ...DEFAULT_REALSERVER, address, port: 80, weight: 1 + (i % 3) };
  });
  const { slot } = table.addService({
    id: { protocol: "tcp", address: "192.0.2.1", port: 80 },
    settings: { ...DEFAULT_SETTINGS, scheduler: scheduler.name },
    realservers,
  });
  const key: ScheduleKey = {
    family: 4,
    client: new Uint32Array(4),
    clientPort: 0,
    destination: new Uint32Array(4),
    destinationPort: 80,
    nowSec: 0,
  };
  const { active } = columns.servers;
  const open = new Int32Array(count).fill(NONE);
  let calls = 0;
  return () => {
    key.client[0] = 0x0a000000 + calls * STRIDE;
    key.destination[0] = 0xc0000200 + (calls % DESTINATIONS);
    key.clientPort = 1024 + (calls % 60_000);
    const chosen = scheduler.schedule(columns, slot, key);
    if (chosen === NONE) throw new Error(`${scheduler.name} chooses no realserver`);
    const at = calls++ % count;
    if (open[at] !== NONE) active[open[at]]--;
    open[at] = chosen;
    active[chosen]++;
  };
}
