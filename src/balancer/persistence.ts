/**
 * The persistence of a dispatcher: finds the template of a client, judges whether it still holds (`ip_vs_check_template`,
 * ip_vs_conn.c), and makes, moves and releases templates. A connection names its template by a token, the template's
 * number, for as long as it lives; such a template is not reused meanwhile. Token 0 is none, and nothing is done for it.
 *
 * Hot path: no allocation, no throw.
 */
import type { DispatchRequest } from "../core/dispatch.js";
import { lock, unlock } from "../core/lock.js";
import { NONE, ServerFlag } from "../schedulers/columns.js";
import { type BalancerColumns, BalancerSetting } from "./columns.js";
import { TemplateTable } from "./templates.js";

/** See the file's head. One object a thread. */
export class Persistence {
  /** The template that the last `recall` has found, which counts its connection; 0: none. */
  template = 0;

  readonly #columns: BalancerColumns;
  readonly #table: TemplateTable;
  /** The client's address under the service's netmask. */
  readonly #client = new Int32Array(4);

  constructor(columns: BalancerColumns) {
    this.#columns = columns;
    this.#table = new TemplateTable(columns.templates, columns.servers.persistent);
  }

  /**
   * Finds the template of a new connection and counts the connection on it. The service's lock is held.
   * @returns the realserver that it leads to, or NONE
   */
  recall(service: number, request: DispatchRequest): number {
    const { services, templates, clock } = this.#columns;
    const client = this.#client;
    // A PROXY header may name a client of the other family, which the service's netmask says nothing about.
    const isMasked = request.family === services.family[service];
    for (let i = 0; i < 4; i++) {
      client[i] = isMasked ? request.client[i] & services.persistMask[service * 4 + i] : request.client[i];
    }
    const now = clock[0];
    lock(templates.lock, 0);
    let template = this.#table.find(services.virtual[service], client, now);
    let server: number = NONE;
    if (template !== 0) {
      server = this.#table.serverOf(template);
      if (this.#holds(service, server)) {
        this.#table.open(template, now);
      } else {
        this.#table.invalidate(template);
        template = 0;
        server = NONE;
      }
    }
    unlock(templates.lock, 0);
    this.template = template;
    return server;
  }

  /**
   * After a `recall` whose answer was not followed: the client goes to this realserver from now on, or to none.
   * The service's lock is held, since before the `recall`.
   * @returns the token of the connection's template, or 0
   */
  remember(service: number, server: number): number {
    const { services, templates, clock } = this.#columns;
    let { template } = this;
    const now = clock[0];
    lock(templates.lock, 0);
    // Removed since it was recalled: the connection goes without.
    const isGone = template !== 0 && this.#table.isGone(template);
    if (isGone) {
      this.#table.close(template, 0, now);
    } else if (template === 0 && server !== NONE) {
      const ticks = services.persistTicks[service];
      template = this.#table.add(services.virtual[service], this.#client, server, ticks, now);
      if (template !== 0) this.#table.open(template, now);
    } else if (server !== NONE) {
      this.#table.move(template, server);
    } else if (template !== 0) {
      this.#table.giveUp(template, now);
    }
    unlock(templates.lock, 0);
    return isGone || server === NONE ? 0 : template;
  }

  /** The connection was established. */
  assure(token: number): void {
    if (token === 0) return;
    const { lock: words } = this.#columns.templates;
    lock(words, 0);
    this.#table.assure(token);
    unlock(words, 0);
  }

  /** The connection is gone, and counts as controlled for so many ticks yet. */
  release(token: number, lingerTicks: number): void {
    if (token === 0) return;
    const { templates, clock } = this.#columns;
    lock(templates.lock, 0);
    this.#table.close(token, lingerTicks, clock[0]);
    unlock(templates.lock, 0);
  }

  /** The connection came to nothing: no realserver could be connected to. */
  abandon(token: number): void {
    if (token === 0) return;
    const { templates, clock } = this.#columns;
    lock(templates.lock, 0);
    this.#table.giveUp(token, clock[0]);
    unlock(templates.lock, 0);
  }

  #holds(service: number, server: number): boolean {
    const { servers, settings } = this.#columns;
    if ((servers.flags[server] & ServerFlag.AVAILABLE) === 0 || servers.service[server] !== service)
      return false;
    const quiescentHolds = Atomics.load(settings, BalancerSetting.EXPIRE_QUIESCENT_TEMPLATE) === 0;
    return quiescentHolds || servers.weight[server] !== 0;
  }
}
