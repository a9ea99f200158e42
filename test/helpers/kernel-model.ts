/**
 * A model of the kernel around a scheduler, just large enough to replay recordings without persistence: services found
 * by mark or address, connections counted as active or inactive for as long as their states last, thresholds, deleted
 * realservers that come back with their counts. Sources: golden/recordings/FINDINGS.md.
 */
import { SCHEDULER_FLAG_BITS, type SchedulerFlag } from "../../src/core/model.js";
import { CacheSetting } from "../../src/schedulers/columns.js";
import type { CloseStep, ConnectStep, IpvsadmStep, RecordedStep, UdpStep } from "./recordings.js";
import { REFUSED, SchedulerBench, type ServerOptions } from "./scheduler-bench.js";

/** Seconds that a closed TCP connection counts on: TIME_WAIT, and CLOSE after a reset. */
const TIME_WAIT_SEC = 120;
const CLOSE_SEC = 10;

interface Service {
  readonly bench: SchedulerBench;
  readonly port: number;
  scheduler: string;
  isOnePacket: boolean;
}

interface Connection {
  readonly service: Service;
  readonly server: string;
  readonly chosen: string;
  /** When it stops counting; undefined while it is established. */
  expiresAt?: number;
}

/** The state that a recording's steps act on. */
export class KernelModel {
  readonly #services = new Map<string, Service>();
  /** Deleted services: made again, they find their realservers' counts. */
  readonly #deleted = new Map<string, Service>();
  readonly #marks = new Map<string, number>();
  readonly #settings = new Map<string, number>();
  readonly #tcp = new Map<string, Connection>();
  readonly #udp = new Map<string, Connection>();
  #udpTimeoutSec = 300;

  /**
   * Plays one step.
   * @returns for `connect` and `udp` the choice as recordings have it, otherwise undefined
   * @throws Error where the step needs what the model does not have
   */
  play(step: RecordedStep): string | undefined {
    this.#expire(step.at);
    if ("ipvsadm" in step) {
      if (step.exit === 0) this.#ipvsadm(step);
    } else if ("connect" in step) {
      return this.#connect(step);
    } else if ("udp" in step) {
      return this.#datagram(step);
    } else if ("close" in step) {
      this.#close(step);
    } else if ("fwmark" in step) {
      for (const to of step.to) this.#marks.set(`${step.proto} ${to}`, step.fwmark);
    } else if ("sysctl" in step) {
      this.#settings.set(step.sysctl, step.value);
    }
    return undefined;
  }

  #ipvsadm({ ipvsadm }: IpvsadmStep): void {
    const [command] = ipvsadm;
    const options = readOptions(ipvsadm);
    if (options.has("-p")) throw new Error("persistence is not modelled");
    if (command === "--set") {
      this.#udpTimeoutSec = Number(ipvsadm[3]) || this.#udpTimeoutSec;
    } else if (command === "-C") {
      for (const key of [...this.#services.keys()]) this.#deleteService(key);
    } else if (command === "-A") {
      this.#addService(serviceKey(options), options);
    } else if (command === "-D") {
      this.#deleteService(serviceKey(options));
    } else if (command === "-E") {
      const service = this.#service(options);
      service.scheduler = options.get("-s") ?? "wlc";
      service.bench.rebind(service.scheduler);
    } else if (command === "-a" || command === "-e" || command === "-d") {
      this.#editServer(command, options);
    } else if (command !== "-L" && command !== "-Z") {
      throw new Error(`${command} is not modelled`);
    }
  }

  #addService(key: string, options: ReadonlyMap<string, string>): void {
    const scheduler = options.get("-s") ?? "wlc";
    const names = options.get("-b")?.split(",") ?? [];
    const flags = names.reduce((bits, name) => bits | SCHEDULER_FLAG_BITS[name as SchedulerFlag], 0);
    const former = this.#deleted.get(key);
    if (former !== undefined) former.bench.columns.services.schedulerFlags[0] = flags;
    const service: Service = {
      bench: former?.bench.rebind(scheduler) ?? new SchedulerBench(scheduler, { flags }),
      port: options.has("-f") ? 0 : splitEndpoint(key.slice(key.indexOf(" ") + 1)).port,
      scheduler,
      isOnePacket: options.has("-o"),
    };
    service.bench.columns.cache.settings[CacheSetting.LBLCR_EXPIRATION_SEC] =
      this.#settings.get("lblcr_expiration") ?? 86400;
    this.#services.set(key, service);
  }

  #deleteService(key: string): void {
    const service = this.#services.get(key)!;
    for (const name of service.bench.members()) service.bench.delete(name);
    this.#services.delete(key);
    this.#deleted.set(key, service);
  }

  #editServer(command: "-a" | "-e" | "-d", options: ReadonlyMap<string, string>): void {
    const service = this.#service(options);
    const { address, port = service.port } = splitServer(options.get("-r")!);
    const name = `${address} ${port}`;
    if (command === "-d") {
      service.bench.delete(name);
      return;
    }
    const settings: ServerOptions = {
      address,
      port,
      weight: Number(options.get("-w") ?? 1),
      upperThreshold: Number(options.get("-x") ?? 0),
      lowerThreshold: Number(options.get("-y") ?? 0),
    };
    if (command === "-a") service.bench.add(name, settings);
    else service.bench.edit(name, settings);
  }

  #connect({ connect, from, sport, to }: ConnectStep): string {
    const service = this.#lookUp("tcp", to);
    if (service === undefined) return "refused";
    const server = aim(service, from, sport, to).connect();
    if (server === REFUSED) return "refused";
    const chosen = chosenName(server, to);
    this.#tcp.set(connect, { service, server, chosen });
    return chosen;
  }

  #datagram({ from, sport, to, at }: UdpStep): string {
    const flow = `${from} ${sport} ${to}`;
    let connection = this.#udp.get(flow);
    if (connection === undefined) {
      const service = this.#lookUp("udp", to);
      if (service === undefined) return "refused";
      const bench = aim(service, from, sport, to);
      const server = service.isOnePacket ? bench.choose() : bench.bindConnection();
      if (server === REFUSED) return "refused";
      connection = { service, server, chosen: chosenName(server, to) };
      if (!service.isOnePacket) this.#udp.set(flow, connection);
    }
    connection.expiresAt = at + this.#udpTimeoutSec;
    return connection.chosen;
  }

  /** Where the realserver's FIN never came, the packets were dropped: the entry stays established. */
  #close({ close, how, result, at }: CloseStep): void {
    const connection = this.#tcp.get(close);
    if (connection === undefined) throw new Error(`no connection ${close}`);
    if (result === "timeout") return;
    connection.service.bench.close(connection.server);
    connection.expiresAt = at + (how === "rst" ? CLOSE_SEC : TIME_WAIT_SEC);
  }

  #expire(now: number): void {
    for (const connections of [this.#tcp, this.#udp]) {
      for (const [id, { service, server, expiresAt }] of connections) {
        if (expiresAt === undefined || expiresAt > now) continue;
        connections.delete(id);
        service.bench.expire(server);
      }
    }
    for (const { bench } of this.#services.values()) bench.key.nowSec = 1000 + Math.floor(now);
  }

  #lookUp(protocol: "tcp" | "udp", to: string): Service | undefined {
    const family = to.startsWith("[") ? 6 : 4;
    const mark = this.#marks.get(`${protocol} ${to}`);
    return this.#services.get(`mark${family} ${mark}`) ?? this.#services.get(`${protocol} ${to}`);
  }

  #service(options: ReadonlyMap<string, string>): Service {
    const service = this.#services.get(serviceKey(options));
    if (service === undefined) throw new Error(`no service ${serviceKey(options)}`);
    return service;
  }
}

function aim({ bench }: Service, from: string, sport: number, to: string): SchedulerBench {
  return bench.from(from, sport).to(splitEndpoint(to).address);
}

/** Port 0 keeps the port that the client addressed. */
function chosenName(server: string, to: string): string {
  const [address, port] = server.split(" ");
  const shown = address.includes(":") ? `[${address}]` : address;
  return `${shown}:${port === "0" ? splitEndpoint(to).port : port}`;
}

/** Options of one invocation; those without a value are mapped to "". */
function readOptions(args: readonly string[]): ReadonlyMap<string, string> {
  const options = new Map<string, string>();
  for (let i = 1; i < args.length; i++) {
    const hasValue = i + 1 < args.length && !args[i + 1].startsWith("-");
    options.set(args[i], hasValue ? args[i + 1] : "");
    if (hasValue) i++;
  }
  return options;
}

function serviceKey(options: ReadonlyMap<string, string>): string {
  if (options.has("-f")) return `mark${options.has("-6") ? 6 : 4} ${options.get("-f")}`;
  return options.has("-t") ? `tcp ${options.get("-t")}` : `udp ${options.get("-u")}`;
}

function splitServer(text: string): { address: string; port?: number } {
  return /^[^:]+:\d+$|\]:\d+$/.test(text) ? splitEndpoint(text) : { address: text };
}

function splitEndpoint(text: string): { address: string; port: number } {
  const colon = text.lastIndexOf(":");
  return { address: text.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(text.slice(colon + 1)) };
}
