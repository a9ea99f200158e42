/**
 * A Dispatcher that follows a script: round robin over fixed targets, with redispatch, sorry server and a limit. The
 * script is plain data over a SharedArrayBuffer, so the dispatcher can be constructed inside a data plane's thread while
 * the test watches its counts, and a breach of the Dispatcher protocol shows in `violations` of the log.
 */
import { parseIp } from "../../src/core/address.js";
import type {
  Dispatcher,
  DispatchRequest,
  DispatchTarget,
  EndingValue,
} from "../../src/dataplane/dispatcher.js";
import { Ending, Opening, Verdict } from "../../src/dataplane/dispatcher.js";

/** Address in text and port that a realserver (or what plays one) listens on. */
export interface ScriptedTarget {
  readonly address: string;
  readonly port: number;
}

/** One virtual service. Its realserver slots follow those of the services before it. */
export interface ScriptedService {
  readonly servers: readonly ScriptedTarget[];
  readonly sorry?: ScriptedTarget;
  /** @default 10000 */
  readonly connectTimeoutMs?: number;
  /** Redispatches of one connection. @default 2 */
  readonly retries?: number;
  /** With so many connections there, answer the verdict. */
  readonly limit?: { readonly connections: number; readonly verdict: number };
  /** Addresses that connections to its realservers come from, in turn. */
  readonly source?: readonly string[];
  /** Connections to its realservers come from the client's own address. @default false */
  readonly transparent?: boolean;
  /** Its flows stay inactive when they are established. @default false */
  readonly isUdp?: boolean;
  /** Datagrams are scheduled for themselves. @default false */
  readonly isOnePacket?: boolean;
  /** Give every decision a token, and see that it comes back. @default false */
  readonly tokens?: boolean;
  /** PROXY header that its servers and its sorry server are sent, bits of HeaderFormat. @default 0: none */
  readonly header?: number;
  /** Clients of which addresses send a PROXY header, and what others are. @default nobody */
  readonly acceptProxy?: {
    readonly from: readonly string[];
    readonly refuseOthers?: boolean;
    /** @default 10000 */
    readonly timeoutMs?: number;
    /** @default 536 */
    readonly limit?: number;
  };
}

/** What a ScriptedDispatcher is constructed from; survives a structured clone, which shares `words`. */
export interface DispatcherScript {
  readonly services: readonly ScriptedService[];
  readonly words: Int32Array;
}

/** Words counted for each realserver slot. */
const SERVER_COUNTS = [
  "dispatched",
  "redispatched",
  /** Connecting to it failed and the connection was dispatched again. */
  "failed",
  /** It refused a connection or a datagram, or could not be reached. */
  "refused",
  "established",
  "halfClosed",
  "finished",
  "reset",
  "unconnected",
  /** A flow that ended. */
  "expired",
  /** Datagrams scheduled for themselves. */
  "onePacket",
  /** Now, as IPVS counts them, without those that linger after their end. */
  "active",
  "inactive",
] as const;
type ServerCount = (typeof SERVER_COUNTS)[number];
/** What was counted for one realserver slot. */
export type ServerCounts = Record<ServerCount, number>;

const SERVICE_COUNTS = [
  "cursor",
  "connections",
  "sorryDispatched",
  "sorryClosed",
  "waiting",
  "sourceTurn",
] as const;
type ServiceCount = (typeof SERVICE_COUNTS)[number];
/** What was counted for one service. */
export type ServiceCounts = Record<ServiceCount, number>;

/** Breaches of the protocol; each has one word that must stay 0. */
const VIOLATIONS = [
  "activeBelowZero",
  "inactiveBelowZero",
  "activeWhenUnconnected",
  "finishedWhileActive",
  "triedWrong",
  "unknownSlot",
] as const;
type Violation = (typeof VIOLATIONS)[number];

/** Sum over the living connections of a hash of their client's address: not 0 at the end if one `closed` named another. */
const CLIENT_SUM = VIOLATIONS.length;
/** The same of their tokens. */
const TOKEN_SUM = VIOLATIONS.length + 1;
const LAST_TOKEN = VIOLATIONS.length + 2;
const GLOBAL_WORDS = VIOLATIONS.length + 3;

/** By Ending. */
const ENDINGS = ["finished", "reset", "unconnected", "expired"] as const;

/** Makes a script with all counts 0. */
export function createScript(services: readonly ScriptedService[]): DispatcherScript {
  const words = serverBase(services.length) + countServers(services) * SERVER_COUNTS.length;
  return { services, words: new Int32Array(new SharedArrayBuffer(words * 4)) };
}

/** Realserver slots of all services. */
export function countServers(services: readonly ScriptedService[]): number {
  return services.reduce((sum, service) => sum + service.servers.length, 0);
}

/** Follows a script; see the file's head. */
export class ScriptedDispatcher implements Dispatcher {
  readonly request: DispatchRequest = {
    family: 4,
    client: new Uint32Array(4),
    clientPort: 0,
    destination: new Uint32Array(4),
    destinationPort: 0,
    token: 0,
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
  readonly #services: readonly ScriptedService[];
  readonly #words: Int32Array;

  constructor(script: DispatcherScript) {
    this.#services = script.services;
    this.#words = script.words;
  }

  opening(service: number): number {
    const { acceptProxy } = this.#services[service];
    if (acceptProxy === undefined) return Opening.PLAIN;
    const isTrusted = acceptProxy.from.some((text) => {
      const address = parseIp(text);
      return address?.words.every((word, i) => word === this.request.client[i]);
    });
    if (!isTrusted) return acceptProxy.refuseOthers ? Opening.REFUSED : Opening.PLAIN;
    this.target.headerTimeoutMs = acceptProxy.timeoutMs ?? 10_000;
    this.target.headerLimit = acceptProxy.limit ?? 536;
    this.#serviceWord(service, "waiting", 1);
    return Opening.HEADER;
  }

  opened(service: number): void {
    this.#serviceWord(service, "waiting", -1);
  }

  dispatch(service: number): number {
    const spec = this.#services[service];
    if (spec.limit && this.#serviceWord(service, "connections", 0) >= spec.limit.connections) {
      return spec.limit.verdict;
    }
    const verdict = spec.servers.length > 0 ? this.#nextServer(service) : this.#sorry(service);
    if (verdict >= 0) this.#count(verdict, "dispatched", 1);
    if (verdict !== Verdict.NO_SERVER) {
      this.#serviceWord(service, "connections", 1);
      Atomics.add(this.#words, CLIENT_SUM, this.#clientHash());
      this.#mark(service);
    }
    return verdict;
  }

  redispatch(service: number, tried: Int32Array, offset: number, count: number): number {
    const spec = this.#services[service];
    const failed = tried[offset + count - 1];
    const first = firstSlot(this.#services, service);
    this.#check(count >= 1 && failed >= first && failed < first + spec.servers.length, "triedWrong");
    this.#count(failed, "failed", 1);
    this.#change(failed, "inactive", -1);
    this.#unmark();
    if (count <= (spec.retries ?? 2)) {
      for (let i = 0; i < spec.servers.length; i++) {
        const server = this.#nextServer(service);
        if (!tried.subarray(offset, offset + count).includes(server)) {
          this.#count(server, "redispatched", 1);
          this.#mark(service);
          return server;
        }
        this.#change(server, "inactive", -1);
      }
    }
    const verdict = this.#sorry(service);
    if (verdict === Verdict.SORRY) this.#mark(service);
    else this.#forget(service);
    return verdict;
  }

  nextSource(service: number): void {
    const { source = [] } = this.#services[service];
    const turn = Atomics.add(this.#words, serviceWord(service, "sourceTurn"), 1);
    this.target.source.set(parseIp(source[turn % source.length])!.words);
  }

  dispatchFlow(service: number, avoid: number): number {
    const spec = this.#services[service];
    this.target.isOnePacket = spec.isOnePacket === true;
    let verdict = this.dispatch(service);
    if (verdict === avoid && spec.servers.length > 1) {
      this.#change(verdict, "inactive", -1);
      this.#count(verdict, "dispatched", -1);
      verdict = this.#nextServer(service);
      this.#count(verdict, "dispatched", 1);
    }
    if (!this.target.isOnePacket || verdict < 0) return verdict;
    this.#forget(service);
    this.request.token = this.target.token;
    this.#unmark();
    this.#change(verdict, "inactive", -1);
    this.#count(verdict, "dispatched", -1);
    this.#count(verdict, "onePacket", 1);
    return verdict;
  }

  failed(server: number): void {
    this.#count(server, "refused", 1);
  }

  established(service: number, server: number): void {
    if (!this.#isSlot(service, server)) return;
    this.#count(server, "established", 1);
    if (this.#services[service].isUdp) return;
    this.#change(server, "inactive", -1);
    this.#change(server, "active", 1);
  }

  halfClosed(service: number, server: number): void {
    if (!this.#isSlot(service, server)) return;
    this.#count(server, "halfClosed", 1);
    this.#change(server, "active", -1);
    this.#change(server, "inactive", 1);
  }

  closed(service: number, server: number, wasActive: boolean, ending: EndingValue): void {
    this.#forget(service);
    this.#unmark();
    if (server === Verdict.SORRY) {
      this.#serviceWord(service, "sorryClosed", 1);
      return;
    }
    if (!this.#isSlot(service, server)) return;
    this.#check(!(wasActive && ending === Ending.UNCONNECTED), "activeWhenUnconnected");
    this.#check(!(wasActive && ending === Ending.FINISHED), "finishedWhileActive");
    this.#change(server, wasActive ? "active" : "inactive", -1);
    this.#count(server, ENDINGS[ending], 1);
  }

  #nextServer(service: number): number {
    const { servers, source = [], transparent = false, connectTimeoutMs = 10_000 } = this.#services[service];
    this.target.isTransparent = transparent;
    this.target.sources = source.length;
    const index = Atomics.add(this.#words, serviceWord(service, "cursor"), 1) % servers.length;
    this.#aim(servers[index], connectTimeoutMs);
    this.target.header = this.#services[service].header ?? 0;
    const server = firstSlot(this.#services, service) + index;
    this.#change(server, "inactive", 1);
    return server;
  }

  #sorry(service: number): number {
    const { sorry, connectTimeoutMs = 10_000 } = this.#services[service];
    if (!sorry) return Verdict.NO_SERVER;
    this.target.isTransparent = false;
    this.target.sources = 0;
    this.#aim(sorry, connectTimeoutMs);
    this.target.header = this.#services[service].header ?? 0;
    this.#serviceWord(service, "sorryDispatched", 1);
    return Verdict.SORRY;
  }

  #aim(to: ScriptedTarget, connectTimeoutMs: number): void {
    const address = parseIp(to.address);
    if (!address) throw new Error(`script: ${to.address} is no address`);
    this.target.family = address.family;
    this.target.address.set(address.words);
    this.target.port = to.port;
    this.target.connectTimeoutMs = connectTimeoutMs;
  }

  /** Gives the decision a token of its own, which `redispatch` or `closed` must bring back. */
  #mark(service: number): void {
    this.target.token = 0;
    if (!this.#services[service].tokens) return;
    const number = Atomics.add(this.#words, LAST_TOKEN, 1) + 1;
    this.target.token = Math.imul(number, 0x9e3779b1);
    Atomics.add(this.#words, TOKEN_SUM, this.target.token);
  }

  #unmark(): void {
    Atomics.sub(this.#words, TOKEN_SUM, this.request.token);
  }

  #forget(service: number): void {
    this.#serviceWord(service, "connections", -1);
    Atomics.sub(this.#words, CLIENT_SUM, this.#clientHash());
  }

  #clientHash(): number {
    const { family, client } = this.request;
    return Math.imul(client[0] ^ client[1] ^ client[2] ^ client[3], 0x9e3779b1) + family;
  }

  #isSlot(service: number, server: number): boolean {
    const first = firstSlot(this.#services, service);
    const is = server >= first && server < first + this.#services[service].servers.length;
    this.#check(is, "unknownSlot");
    return is;
  }

  #change(server: number, word: "active" | "inactive", by: 1 | -1): void {
    const now = this.#count(server, word, by) + by;
    this.#check(now >= 0, word === "active" ? "activeBelowZero" : "inactiveBelowZero");
  }

  #count(server: number, word: ServerCount, by: number): number {
    return Atomics.add(this.#words, serverWord(this.#services.length, server, word), by);
  }

  #serviceWord(service: number, word: ServiceCount, by: number): number {
    return Atomics.add(this.#words, serviceWord(service, word), by);
  }

  #check(holds: boolean, violation: Violation): void {
    if (!holds) Atomics.add(this.#words, VIOLATIONS.indexOf(violation), 1);
  }
}

/** Reads what the dispatchers of one script, in whatever threads, have counted. */
export class DispatcherLog {
  readonly #script: DispatcherScript;

  constructor(script: DispatcherScript) {
    this.#script = script;
  }

  /** The counts of a realserver slot. */
  server(server: number): ServerCounts {
    const { services, words } = this.#script;
    const count = (word: ServerCount) => Atomics.load(words, serverWord(services.length, server, word));
    return Object.fromEntries(SERVER_COUNTS.map((word) => [word, count(word)])) as ServerCounts;
  }

  /** The counts of a service. */
  service(service: number): ServiceCounts {
    const count = (word: ServiceCount) => Atomics.load(this.#script.words, serviceWord(service, word));
    return Object.fromEntries(SERVICE_COUNTS.map((word) => [word, count(word)])) as ServiceCounts;
  }

  /**
   * What is wrong, in words; empty when the protocol was kept and, with no connection left, every dispatched connection
   * was closed exactly once.
   */
  breaches(): string[] {
    const { services, words } = this.#script;
    const found: string[] = [];
    VIOLATIONS.forEach((name, word) => {
      if (Atomics.load(words, word) !== 0) found.push(`${name}: ${words[word]} times`);
    });
    if (Atomics.load(words, CLIENT_SUM) !== 0) found.push("a connection was closed as another client's");
    if (Atomics.load(words, TOKEN_SUM) !== 0) found.push("a connection came back with another's token");
    for (let server = 0; server < countServers(services); server++) {
      const c = this.server(server);
      const taken = c.dispatched + c.redispatched;
      const given = c.failed + c.finished + c.reset + c.unconnected + c.expired;
      if (taken !== given) found.push(`realserver ${server}: ${taken} dispatched, ${given} ended`);
      if (c.active !== 0) found.push(`realserver ${server}: ${c.active} still active`);
      if (c.inactive !== 0) found.push(`realserver ${server}: ${c.inactive} still inactive`);
    }
    services.forEach((_, service) => {
      const c = this.service(service);
      if (c.connections !== 0) found.push(`service ${service}: ${c.connections} connections left`);
      if (c.waiting !== 0) found.push(`service ${service}: ${c.waiting} headers still waited for`);
      if (c.sorryDispatched !== c.sorryClosed) {
        found.push(`service ${service}: ${c.sorryDispatched} to the sorry server, ${c.sorryClosed} ended`);
      }
    });
    return found;
  }
}

function firstSlot(services: readonly ScriptedService[], service: number): number {
  return countServers(services.slice(0, service));
}

function serviceWord(service: number, word: ServiceCount): number {
  return GLOBAL_WORDS + service * SERVICE_COUNTS.length + SERVICE_COUNTS.indexOf(word);
}

function serverBase(services: number): number {
  return GLOBAL_WORDS + services * SERVICE_COUNTS.length;
}

function serverWord(services: number, server: number, word: ServerCount): number {
  return serverBase(services) + server * SERVER_COUNTS.length + SERVER_COUNTS.indexOf(word);
}
