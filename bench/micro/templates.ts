/** A million persistence templates: what a new connection pays to find its own, and what expiry costs at a time. */
import { createColumns } from "../../src/balancer/columns.js";
import { Persistence } from "../../src/balancer/persistence.js";
import { ServiceTable } from "../../src/balancer/service-table.js";
import { createTemplates } from "../../src/balancer/template-columns.js";
import { TemplateKeeper } from "../../src/balancer/template-keeper.js";
import { TemplateTable } from "../../src/balancer/templates.js";
import type { DispatchRequest } from "../../src/core/dispatch.js";
import { lock, unlock } from "../../src/core/lock.js";
import { DEFAULT_REALSERVER, DEFAULT_SETTINGS } from "../../src/core/model.js";
import { type Micro, type MicroResult, summariseTimes, timeEach } from "./micro.js";

const TEMPLATES = 1_000_000;
const CALLS = 500_000;
/** What a lookup among a million may take. */
const LOOKUP_P99_US = 2;
/** Scatters the clients that are asked for; coprime to their number. */
const STRIDE = 618_033;

export const templates: Micro = {
  name: "templates",
  title: "Persistence templates: one million",
  measure: () => [...measureLookup(), ...measureRecall(), ...measureExpiry()],
};

const clientOf = (i: number): number => 0x0a000000 + ((i * STRIDE) % TEMPLATES);

function fill(): {
  columns: ReturnType<typeof createTemplates>;
  table: TemplateTable;
  persistent: Int32Array;
} {
  const persistent = new Int32Array(8);
  const columns = createTemplates(TEMPLATES, 8);
  const table = new TemplateTable(columns, persistent);
  const client = new Int32Array(4);
  for (let i = 0; i < TEMPLATES; i++) {
    client[0] = 0x0a000000 + i;
    table.add(0, client, i & 7, 1200, i & 1023);
  }
  return { columns, table, persistent };
}

function measureLookup(): MicroResult[] {
  const { columns, table } = fill();
  const client = new Int32Array(4);
  const look = (i: number): void => {
    client[0] = clientOf(i);
    lock(columns.lock, 0);
    const found = table.find(0, client, 1100);
    unlock(columns.lock, 0);
    if (found === 0) throw new Error("a template is missing");
  };
  timeEach(CALLS / 10, look);
  return [
    summariseTimes(
      "the clock itself",
      timeEach(CALLS, () => {}),
    ),
    summariseTimes("lookup", timeEach(CALLS, look), LOOKUP_P99_US),
  ];
}

function measureRecall(): MicroResult[] {
  const columns = createColumns({
    services: 1,
    servers: 1,
    cacheEntries: 1,
    sources: 2,
    templates: TEMPLATES,
  });
  const table = new ServiceTable(columns, { serviceBegins() {}, serverBegins() {}, serverEnds() {} });
  const id = { protocol: "tcp", address: "192.0.2.1", port: 80 } as const;
  const persistence = { timeoutSec: 300, netmask: "255.255.255.255" };
  const server = { ...DEFAULT_REALSERVER, address: "192.0.2.2", port: 80 };
  const { slot } = table.addService({
    id,
    settings: { ...DEFAULT_SETTINGS, persistence },
    realservers: [server],
  });
  const persistences = new Persistence(columns);
  const request: DispatchRequest = {
    family: 4,
    client: new Uint32Array(4),
    clientPort: 0,
    destination: new Uint32Array(4),
    destinationPort: 80,
    token: 0,
  };
  const connect = (i: number): void => {
    request.client[0] = clientOf(i);
    const recalled = persistences.recall(slot, request);
    const token = recalled < 0 ? persistences.remember(slot, 0) : persistences.template;
    persistences.release(token, 480);
  };
  const made = timeEach(TEMPLATES, connect);
  return [
    summariseTimes("a new client's connection", made),
    summariseTimes("a known client's connection", timeEach(CALLS, connect)),
  ];
}

function measureExpiry(): MicroResult[] {
  const { columns, persistent } = fill();
  const keeper = new TemplateKeeper(columns, persistent);
  let tick = 0;
  return [
    summariseTimes(
      "expiry, a tick",
      timeEach(2500, () => keeper.expire(tick++)),
    ),
  ];
}
