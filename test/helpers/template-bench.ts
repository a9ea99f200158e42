/** A balancer with one persistent service over realservers 10.77.2.1 to .3, the last one first in the kernel's order. */

import { BalancerSetting } from "../../src/balancer/columns.js";
import type { TemplateRow } from "../../src/balancer/template-keeper.js";
import { formatIp } from "../../src/core/address.js";
import type { Persistence, ServiceId } from "../../src/core/model.js";
import { BalancerBench, VIP } from "./balancer-bench.js";

export interface TemplateBenchOptions {
  readonly timeoutSec?: number;
  readonly netmask?: string | number;
  readonly servers?: number;
  readonly capacity?: number;
  readonly scheduler?: string;
  readonly id?: ServiceId;
}

export class TemplateBench extends BalancerBench {
  readonly service: number;
  readonly id: ServiceId;

  constructor(options: TemplateBenchOptions = {}) {
    super(undefined, { services: 8, servers: 64, templates: options.capacity ?? 256 });
    const {
      timeoutSec = 300,
      netmask = "255.255.255.255",
      servers = 3,
      scheduler = "rr",
      id = VIP,
    } = options;
    this.id = id;
    this.service = this.addService(scheduler, { persistence: { timeoutSec, netmask } }, id);
    for (let i = 1; i <= servers; i++) this.addServer(`10.77.2.${i}`, {}, id);
  }

  setPersistence(persistence: Persistence | undefined): void {
    const { settings } = this.table.service(this.id);
    this.table.editService(this.id, { ...settings, persistence });
  }

  setSysctl(setting: keyof typeof BalancerSetting, value: number): void {
    this.columns.settings[BalancerSetting[setting]] = value;
  }

  /** The realserver that a new connection of the client goes to; it stays open. */
  choose(client: string): string | number {
    return this.nameOf(this.connect(client, this.id));
  }

  rows(): TemplateRow[] {
    return [...this.table.templates.rows()];
  }

  /** One line a template: `10.77.1.1 -> 10.77.2.3 expires 300/300 ASSURED`. Seconds left, time-out. */
  listed(): string[] {
    return this.rows()
      .map((row) => {
        const [w0, w1, w2, w3] = row.client;
        const client = formatIp(w0 !== 0 && w1 === 0 && w3 === 0 ? 4 : 6, w0, w1, w2, w3);
        const state = row.isInvalid ? "INVALID" : row.isAssured ? "ASSURED" : "NONE";
        return `${client} -> ${this.nameOf(row.server)} ${state}`;
      })
      .sort();
  }

  /** PersistConn of each realserver, in order of their addresses. */
  persistent(): number[] {
    return [...this.table.service(this.id).servers.values()].map(
      ({ slot }) => this.columns.servers.persistent[slot],
    );
  }
}
