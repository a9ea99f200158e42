/** Makes of the templates' rows what people read: numbers and slots mean something only here. */
import { type BalancerColumns, TICKS_PER_SEC } from "../balancer/columns.js";
import type { ServiceTable } from "../balancer/service-table.js";
import { type TemplateRow, timerOf } from "../balancer/template-keeper.js";
import { familyOf, formatIp } from "../core/address.js";
import { parseServiceKey } from "../core/service-key.js";
import type { TemplateStatus } from "../core/status.js";
import type { ConnectionFilter } from "../dataplane/dataplane.js";

/** The templates that agree with the filter; the client matches under the netmask of its service. */
export function readTemplates(
  columns: BalancerColumns,
  table: ServiceTable,
  filter: ConnectionFilter,
): TemplateStatus[] {
  const now = columns.clock[0];
  const templates: TemplateStatus[] = [];
  for (const row of table.templates.rows()) {
    const name = table.virtuals.nameOf(row.virtual);
    const server = table.serverAt(row.server);
    if (name === undefined || server === undefined || !matches(columns, table, row, filter)) continue;
    const { timeoutTicks, expiry } = timerOf(row, now);
    if (expiry <= now) continue;
    const service = parseServiceKey(name);
    const family = "fwmark" in service ? service.family : familyOf(service.address);
    templates.push({
      service,
      client: formatIp(family, ...row.client),
      realserver: { address: server.settings.address, port: server.settings.port },
      state: row.isAssured ? "ASSURED" : "NONE",
      valid: !row.isInvalid,
      timeoutSec: timeoutTicks / TICKS_PER_SEC,
      // Timers have one tick more than their time-out, as the tick of their start had begun already.
      expiresSec: (expiry - now - 1) / TICKS_PER_SEC,
      connections: row.open,
    });
  }
  return templates;
}

function matches(
  { services }: BalancerColumns,
  table: ServiceTable,
  row: TemplateRow,
  { service, server, client }: ConnectionFilter,
): boolean {
  if (service !== undefined && services.virtual[service] !== row.virtual) return false;
  if (server !== undefined && server !== row.server) return false;
  if (client === undefined) return true;
  const entry = table.serviceOfVirtual(row.virtual);
  if (entry === undefined) return false;
  const family = "fwmark" in entry.id ? entry.id.family : familyOf(entry.id.address);
  if (family !== client.family) return false;
  const mask = services.persistMask.subarray(entry.slot * 4, entry.slot * 4 + 4);
  return client.words.every((word, i) => (word & mask[i]) >>> 0 === row.client[i]);
}
