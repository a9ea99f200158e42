/**
 * Decides where connections go and keeps the counts that decisions depend on: limits, then the client's persistence
 * template, then the scheduler, then the count, all under the service's lock. One dispatcher a thread, all on the same columns, so that every scheduler is exact across
 * threads. It fills the interface of dataplane/dispatcher.ts (by structure: the layers do not know each other).
 *
 * Everything here is on the hot path: no allocation, no throw.
 */
import {
  type DispatchRequest,
  type DispatchTarget,
  Ending,
  type EndingValue,
  Opening,
  Verdict,
} from "../core/dispatch.js";
import { lock, unlock } from "../core/lock.js";
import { NONE, ServerFlag } from "../schedulers/columns.js";
import { SCHEDULERS, schedulerNumber } from "../schedulers/registry.js";
import type { ScheduleKey } from "../schedulers/scheduler.js";
import {
  bindConnection,
  bindFlow,
  deactivate,
  LINGER_TICKS,
  linger,
  unbindConnections,
  unbindPending,
} from "./accounting.js";
import { type BalancerColumns, BalancerSetting, ServiceState, TICKS_PER_SEC } from "./columns.js";
import { HandedFlows } from "./handed-flows.js";
import { outgoingList, takeOutgoing } from "./outgoing.js";
import { Persistence } from "./persistence.js";
import { SourceCounts } from "./sources.js";
import { isTrustedProxy, Others } from "./trusted-proxies.js";

/** Chooses among the rest when the service's own scheduler knows no other than the realserver that failed (sh, dh, mh). */
const FALLBACK_SCHEDULER = SCHEDULERS[schedulerNumber("wlc")];

/** How what was decided is counted. */
const Counting = { CONNECTION: 0, FLOW: 1, /** scheduled, and forgotten at once */ ONE_PACKET: 2 } as const;
type CountingValue = (typeof Counting)[keyof typeof Counting];

/** The balancer's side of every connection. */
export class ConnectionDispatcher {
  readonly request: DispatchRequest & ScheduleKey = {
    family: 4,
    client: new Uint32Array(4),
    clientPort: 0,
    destination: new Uint32Array(4),
    destinationPort: 0,
    token: 0,
    nowSec: 0,
  };

  readonly target: DispatchTarget = {
    family: 4,
    address: new Uint32Array(4),
    port: 0,
    connectTimeoutMs: 0,
    header: 0,
    headerTimeoutMs: 0,
    headerLimit: 0,
    isTransparent: false,
    sources: 0,
    source: new Uint32Array(4),
    isOnePacket: false,
    token: 0,
  };

  readonly #columns: BalancerColumns;
  readonly #sources: SourceCounts;
  readonly #persistence: Persistence;
  readonly #handedFlows: HandedFlows;

  constructor(columns: BalancerColumns) {
    this.#columns = columns;
    this.#sources = new SourceCounts(columns.sources);
    this.#persistence = new Persistence(columns);
    this.#handedFlows = new HandedFlows(columns.handedFlows, columns.clock);
  }

  opening(service: number): number {
    const { services, trustedProxies } = this.#columns;
    if (Atomics.load(trustedProxies.others, service) === Others.NOBODY) return Opening.PLAIN;
    const { family, client } = this.request;
    lock(services.lock, service);
    const others = trustedProxies.others[service];
    const isProxy = isTrustedProxy(trustedProxies, service, family, client);
    this.target.headerTimeoutMs = trustedProxies.timeoutMs[service];
    this.target.headerLimit = trustedProxies.maxHeader[service];
    if (isProxy) Atomics.add(trustedProxies.waiting, service, 1);
    unlock(services.lock, service);
    if (isProxy) return Opening.HEADER;
    return others === Others.REFUSE ? Opening.REFUSED : Opening.PLAIN;
  }

  opened(service: number): void {
    Atomics.sub(this.#columns.trustedProxies.waiting, service, 1);
  }

  dispatch(service: number): number {
    const { services } = this.#columns;
    lock(services.lock, service);
    const answer = this.#decide(service, Counting.CONNECTION, NONE);
    unlock(services.lock, service);
    return answer;
  }

  dispatchFlow(service: number, avoid: number): number {
    const { services } = this.#columns;
    lock(services.lock, service);
    this.target.isOnePacket = services.onePacket[service] === 1;
    const counting = this.target.isOnePacket ? Counting.ONE_PACKET : Counting.FLOW;
    const answer = this.#decide(service, counting, avoid);
    unlock(services.lock, service);
    return answer;
  }

  failed(server: number): void {
    const { services, servers } = this.#columns;
    const guard = this.#lockServer(server);
    servers.failures[server]++;
    unlock(services.lock, guard);
  }

  redispatch(service: number, tried: Int32Array, offset: number, count: number): number {
    const { services, servers } = this.#columns;
    const failed = tried[offset + count - 1];
    const guard = this.#lockServer(failed);
    servers.scheduled[failed]--;
    services.scheduled[service]--;
    unbindPending(servers, failed);
    unlock(services.lock, guard);

    lock(services.lock, service);
    let answer: number = NONE;
    if (services.serviceState[service] === ServiceState.SERVING && count <= services.redispatch[service]) {
      this.#persistence.release(this.request.token, 0);
      for (let i = 0; i < count; i++) servers.flags[tried[offset + i]] |= ServerFlag.EXCLUDED;
      answer = this.#choose(service, true);
      for (let i = 0; i < count; i++) servers.flags[tried[offset + i]] &= ~ServerFlag.EXCLUDED;
    } else {
      this.#persistence.abandon(this.request.token);
      this.target.token = 0;
    }
    answer = this.#bind(service, answer, Counting.CONNECTION);
    unlock(services.lock, service);
    if (answer === Verdict.NO_SERVER) this.#leave(service);
    return answer;
  }

  nextSource(service: number): void {
    const { target } = this;
    takeOutgoing(this.#columns.services, service, target.family, target.source);
  }

  established(_service: number, _server: number): void {
    this.#persistence.assure(this.request.token);
  }

  halfClosed(_service: number, server: number): void {
    const guard = this.#lockServer(server);
    deactivate(this.#columns.servers, server);
    unlock(this.#columns.services.lock, guard);
  }

  closed(service: number, server: number, wasActive: boolean, ending: EndingValue): void {
    if (server >= 0) {
      const { services, servers } = this.#columns;
      const guard = this.#lockServer(server);
      const lingerTicks = this.#isForgotten(server) ? 0 : LINGER_TICKS[ending];
      if (wasActive) deactivate(servers, server);
      if (lingerTicks > 0) linger(this.#columns, server, lingerTicks);
      else if (ending === Ending.UNCONNECTED) unbindPending(servers, server);
      else unbindConnections(servers, server, 1);
      unlock(services.lock, guard);
      this.#persistence.release(this.request.token, lingerTicks);
    }
    this.#leave(service);
  }

  #decide(service: number, counting: CountingValue, avoid: number): number {
    const { services } = this.#columns;
    if (services.serviceState[service] !== ServiceState.SERVING) return Verdict.NO_SERVICE;
    const limit = services.maxConnections[service];
    if (limit > 0 && Atomics.load(services.connections, service) >= limit) return Verdict.SERVICE_LIMIT;
    const perSource = counting === Counting.ONE_PACKET ? 0 : services.maxPerSource[service];
    if (perSource > 0 && !this.#sources.admit(service, this.request.client, perSource)) {
      return Verdict.SOURCE_LIMIT;
    }
    let server = counting === Counting.FLOW && avoid === NONE ? this.#resume(service) : NONE;
    if (server === NONE) {
      server = avoid === NONE ? this.#choose(service, false) : this.#chooseBut(service, avoid);
    }
    const answer = this.#bind(service, server, counting);
    if (counting === Counting.ONE_PACKET) this.#forgetToken();
    else if (answer !== Verdict.NO_SERVER) Atomics.add(services.connections, service, 1);
    else if (perSource > 0) this.#sources.release(service, this.request.client);
    return answer;
  }

  /** Where the flow went before an upgrade, or NONE. A template knows that better: it has been handed on too. */
  #resume(service: number): number {
    const { services, servers } = this.#columns;
    if (services.persistTicks[service] !== 0) return NONE;
    const server = this.#handedFlows.take(service, this.request);
    if (server === NONE || servers.service[server] !== service) return NONE;
    if ((servers.flags[server] & ServerFlag.AVAILABLE) === 0) return NONE;
    this.target.token = 0;
    return server;
  }

  /** Any but one, if there is another and the service may look for it; else as always. */
  #chooseBut(service: number, avoid: number): number {
    const { services, servers } = this.#columns;
    // Slots are given to others in the course of time.
    if (servers.service[avoid] !== service || services.redispatch[service] === 0)
      return this.#choose(service, false);
    servers.flags[avoid] |= ServerFlag.EXCLUDED;
    const other = this.#choose(service, true);
    servers.flags[avoid] &= ~ServerFlag.EXCLUDED;
    return other === NONE ? this.#choose(service, false) : other;
  }

  /** What was decided leaves a template behind, and nothing that holds it. */
  #forgetToken(): void {
    this.#persistence.release(this.target.token, 0);
    this.target.token = 0;
  }

  /**
   * Where the client's template leads, else whom the scheduler chooses, with a new template if the service is persistent.
   * @param isAgain some realservers are EXCLUDED: a template that leads to one is moved
   */
  #choose(service: number, isAgain: boolean): number {
    this.target.token = 0;
    if (this.#columns.services.persistTicks[service] === 0) return this.#schedule(service, isAgain);
    const recalled = this.#persistence.recall(service, this.request);
    if (recalled !== NONE && (this.#columns.servers.flags[recalled] & ServerFlag.EXCLUDED) === 0) {
      this.target.token = this.#persistence.template;
      return recalled;
    }
    const server = this.#schedule(service, isAgain);
    this.target.token = this.#persistence.remember(service, server);
    return server;
  }

  #schedule(service: number, isAgain: boolean): number {
    const server = this.#ask(service);
    if (server !== NONE || !isAgain) return server;
    return FALLBACK_SCHEDULER.schedule(this.#columns, service, this.request);
  }

  #ask(service: number): number {
    this.request.nowSec = (this.#columns.clock[0] / TICKS_PER_SEC) | 0;
    const scheduler = SCHEDULERS[this.#columns.services.scheduler[service]];
    return scheduler.schedule(this.#columns, service, this.request);
  }

  /** Counts the connection on the realserver that was chosen and fills `target`; without one, the sorry server's. */
  #bind(service: number, server: number, counting: CountingValue): number {
    const { services, servers } = this.#columns;
    this.target.connectTimeoutMs = services.connectTimeoutMs[service];
    if (server !== NONE) {
      if (counting === Counting.CONNECTION) bindConnection(servers, server);
      else if (counting === Counting.FLOW) bindFlow(servers, server);
      else servers.scheduled[server]++;
      services.scheduled[service]++;
      const port = services.keepsPort[service] === 1 ? 0 : servers.port[server];
      this.#aim(servers.family[server], servers.address, server, port);
      this.target.header = servers.header[server];
      this.target.isTransparent = services.transparent[service] === 1;
      this.target.sources = services.outgoingCount[outgoingList(service, this.target.family)];
      return server;
    }
    // The sorry server is most often this host itself, where a client's address could not be answered.
    this.target.isTransparent = false;
    this.target.sources = 0;
    if (services.bypass[service] === 1) return this.#bypass(service);
    if (services.sorryFamily[service] === 0) return Verdict.NO_SERVER;
    this.#aim(services.sorryFamily[service], services.sorryAddress, service, services.sorryPort[service]);
    this.target.header = services.sorryHeader[service];
    return Verdict.SORRY;
  }

  /** Aims at what the client addressed, as if no director stood in its way. */
  #bypass(service: number): number {
    const { request, target } = this;
    // Nothing is intercepted on its way to a loopback address: this client found the intercepting socket itself.
    if (isLoopback(request.family, request.destination)) return Verdict.NO_SERVER;
    this.#aim(request.family, request.destination, 0, request.destinationPort);
    target.isTransparent = this.#columns.services.transparent[service] === 1;
    target.header = 0;
    return Verdict.SORRY;
  }

  /** @param slot whose four words of `addresses` are meant; a port of 0 keeps the one that the client addressed */
  #aim(family: number, addresses: Uint32Array, slot: number, port: number): void {
    const { target } = this;
    target.family = family;
    for (let i = 0; i < 4; i++) target.address[i] = addresses[slot * 4 + i];
    target.port = port === 0 ? this.request.destinationPort : port;
  }

  /** Connections of a deleted realserver are not remembered where `expire_nodest_conn` says so. */
  #isForgotten(server: number): boolean {
    const { servers, settings } = this.#columns;
    const isDeleted = (servers.flags[server] & ServerFlag.AVAILABLE) === 0;
    return isDeleted && Atomics.load(settings, BalancerSetting.EXPIRE_NODEST_CONN) === 1;
  }

  /** The connection does not count on the service any longer. */
  #leave(service: number): void {
    const { services } = this.#columns;
    Atomics.sub(services.connections, service, 1);
    if (services.maxPerSource[service] > 0) this.#sources.release(service, this.request.client);
  }

  /**
   * Locks the service that guards a realserver now: a realserver that was deleted and came back with a service made anew
   * has another guard than when the connection began.
   * @returns the service to unlock
   */
  #lockServer(server: number): number {
    const { services, servers } = this.#columns;
    for (;;) {
      const guard = Atomics.load(servers.service, server);
      lock(services.lock, guard);
      if (servers.service[server] === guard) return guard;
      unlock(services.lock, guard);
    }
  }
}

function isLoopback(family: number, words: Uint32Array): boolean {
  if (family === 4) return words[0] >>> 24 === 127;
  return words[0] === 0 && words[1] === 0 && words[2] === 0 && words[3] === 1;
}
