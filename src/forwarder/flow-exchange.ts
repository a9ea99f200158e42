/** UDP flows on their way from one generation to the next, in which slots have names. */
import { type BalancerColumns, TICKS_PER_SEC } from "../balancer/columns.js";
import { HANDED_FLOWS, HandedFlows } from "../balancer/handed-flows.js";
import type { ServiceTable } from "../balancer/service-table.js";
import { CONNECTION_WORDS, ConnectionField } from "../dataplane/connection-rows.js";

/** By service key, and in it by realserver key: FLOW_NUMBERS numbers a flow. */
export type FlowBatch = Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;

/** Four words and the port of the client, the same of what it addressed. */
const FLOW_NUMBERS = 10;

/** Flows that one message tells of: the primary, which passes them on, is not held up by thousands at once. */
const FLOWS_A_PAGE = 4096;

/** One page of the flows of a generation. */
export interface FlowPage {
  readonly batch: FlowBatch;
  /** Number of the next page; 0: this was the last. */
  readonly next: number;
}

/** Names the flows of some rows (connection-rows.ts); HANDED_FLOWS at most, and none without a realserver. */
export function nameFlows(rows: readonly Float64Array[], table: ServiceTable): FlowBatch[] {
  const pages: Record<string, Record<string, number[]>>[] = [];
  let count = 0;
  for (const some of rows) {
    for (let at = 0; at < some.length && count < HANDED_FLOWS; at += CONNECTION_WORDS) {
      const slot = some[at + ConnectionField.server];
      const service = table.serviceAt(some[at + ConnectionField.service])?.key;
      const server = slot < 0 ? undefined : table.serverAt(slot)?.key;
      if (service === undefined || server === undefined) continue;
      const number = Math.floor(count++ / FLOWS_A_PAGE);
      pages[number] ??= {};
      const page = pages[number];
      page[service] ??= {};
      page[service][server] ??= [];
      const { client, clientPort, destination, destinationPort } = ConnectionField;
      page[service][server].push(
        ...some.subarray(at + client, at + client + 4),
        some[at + clientPort],
        ...some.subarray(at + destination, at + destination + 4),
        some[at + destinationPort],
      );
    }
  }
  return pages;
}

/** Remembers where an older generation's flows went; those of services and realservers that there are not are left out. */
export function keepFlows(
  batch: FlowBatch,
  columns: BalancerColumns,
  table: ServiceTable,
  seconds: number,
): void {
  const flows = new HandedFlows(columns.handedFlows, columns.clock);
  for (const [serviceKey, servers] of Object.entries(batch)) {
    const service = table.serviceNamed(serviceKey);
    for (const [serverKey, numbers] of Object.entries(servers)) {
      const server = service?.servers.get(serverKey);
      if (service === undefined || server === undefined) continue;
      for (let at = 0; at < numbers.length; at += FLOW_NUMBERS) {
        const ends = {
          client: Uint32Array.from(numbers.slice(at, at + 4)),
          clientPort: numbers[at + 4],
          destination: Uint32Array.from(numbers.slice(at + 5, at + 9)),
          destinationPort: numbers[at + 9],
        };
        flows.keep(service.slot, server.slot, ends, seconds * TICKS_PER_SEC);
      }
    }
  }
}
