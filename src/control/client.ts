/** The director behind a control socket: each operation is one request, and what is thrown is what the director threw. */
import type { Config } from "../config/config.js";
import type { Endpoint } from "../core/address.js";
import type { DoctorReport } from "../core/doctor.js";
import type { HaChoice, HaStatus } from "../core/ha-status.js";
import type { HealthStatus } from "../core/health-status.js";
import {
  type ConnectionChoice,
  type ConnectionTimeouts,
  type Realserver,
  realserverKey,
  type ServiceId,
  type ServiceSettings,
  type SyncDaemon,
  type SyncDaemonRole,
  serviceKey,
  type VirtualService,
} from "../core/model.js";
import type {
  ConnectionStatus,
  DirectorStatus,
  LiveConnection,
  ServiceStatus,
  TemplateStatus,
} from "../core/status.js";
import type { SysctlValues } from "../core/sysctls.js";
import { changeToBody } from "./change-body.js";
import type { Change, ListingChoice, Operations, Refusal, ReloadReport } from "./operations.js";
import { SocketRequests } from "./socket-requests.js";

/**
 * Operations over the control socket. Connects when something is asked, keeps the connection for the next question.
 * Besides the director's own errors every operation may throw UNAVAILABLE (no director answers) and PERMISSION.
 */
export class ControlClient implements Operations {
  readonly #requests: SocketRequests;

  /** @throws UvsError INVALID where the path is longer than a socket's can be */
  constructor(path: string) {
    this.#requests = new SocketRequests(path);
  }

  status(): Promise<DirectorStatus> {
    return this.#ask("GET", "/v1/status");
  }

  async services(id?: ServiceId): Promise<readonly ServiceStatus[]> {
    if (id !== undefined) return [await this.#ask<ServiceStatus>("GET", servicePath(id))];
    const answer = await this.#ask<{ services: readonly ServiceStatus[] }>("GET", "/v1/services");
    return answer.services;
  }

  async listing({ format, sorted, exact }: ListingChoice): Promise<string> {
    const path = `/v1/listing?format=${format}${sorted ? "" : "&order=none"}${exact ? "&numbers=exact" : ""}`;
    return (await this.#ask<{ text: string }>("GET", path)).text;
  }

  timeouts(): Promise<ConnectionTimeouts> {
    return this.#ask("GET", "/v1/timeouts");
  }

  health(): Promise<HealthStatus> {
    return this.#ask("GET", "/v1/health");
  }

  doctor(): Promise<DoctorReport> {
    return this.#ask("GET", "/v1/doctor");
  }

  addService(service: VirtualService): Promise<void> {
    const { id, settings, realservers } = service;
    return this.#ask("POST", "/v1/services", { key: serviceKey(id), settings, realservers });
  }

  editService(id: ServiceId, settings: ServiceSettings): Promise<void> {
    return this.#ask("PUT", servicePath(id), settings);
  }

  deleteService(id: ServiceId): Promise<void> {
    return this.#ask("DELETE", servicePath(id));
  }

  clear(): Promise<void> {
    return this.#ask("DELETE", "/v1/services");
  }

  addRealserver(id: ServiceId, server: Realserver): Promise<void> {
    return this.#ask("POST", `${servicePath(id)}/realservers`, server);
  }

  editRealserver(id: ServiceId, server: Realserver): Promise<void> {
    const { address: _, port: __, ...settings } = server;
    return this.#ask("PUT", realserverPath(id, server), settings);
  }

  deleteRealserver(id: ServiceId, server: Endpoint): Promise<void> {
    return this.#ask("DELETE", realserverPath(id, server));
  }

  zero(id?: ServiceId): Promise<void> {
    return this.#ask("POST", id === undefined ? "/v1/zero" : `${servicePath(id)}/zero`);
  }

  setTimeouts(timeouts: ConnectionTimeouts): Promise<ConnectionTimeouts> {
    return this.#ask("PUT", "/v1/timeouts", timeouts);
  }

  reload(): Promise<ReloadReport> {
    return this.#ask("POST", "/v1/reload");
  }

  async connections(): Promise<readonly ConnectionStatus[]> {
    const answer = await this.#ask<{ entries: readonly ConnectionStatus[] }>("GET", "/v1/connection-table");
    return answer.entries;
  }

  async liveConnections(choice: ConnectionChoice): Promise<readonly LiveConnection[]> {
    const path = `/v1/connections${choiceSearch(choice)}`;
    const answer = await this.#ask<{ connections: readonly LiveConnection[] }>("GET", path);
    return answer.connections;
  }

  async killConnections(choice: ConnectionChoice): Promise<number> {
    const words = choiceWords(choice);
    const body = Object.keys(words).length > 0 ? words : { all: true };
    const answer = await this.#ask<{ killed: number }>("POST", "/v1/connections/kill", body);
    return answer.killed;
  }

  async templates(choice: ConnectionChoice): Promise<readonly TemplateStatus[]> {
    const path = `/v1/templates${choiceSearch(choice)}`;
    const answer = await this.#ask<{ templates: readonly TemplateStatus[] }>("GET", path);
    return answer.templates;
  }

  async flushTemplates(): Promise<number> {
    const answer = await this.#ask<{ flushed: number }>("DELETE", "/v1/templates");
    return answer.flushed;
  }

  async applyAtomically(changes: readonly Change[]): Promise<readonly Refusal[]> {
    const body = { changes: changes.map(changeToBody) };
    const answer = await this.#ask<{ refusals: readonly Refusal[] }>("POST", "/v1/batch", body);
    return answer.refusals;
  }

  drain(id: ServiceId, server: Endpoint, deadlineMs?: number): Promise<void> {
    return this.#ask("PUT", `${realserverPath(id, server)}/drain`, { deadlineMs });
  }

  undrain(id: ServiceId, server: Endpoint): Promise<void> {
    return this.#ask("DELETE", `${realserverPath(id, server)}/drain`);
  }

  sysctls(): Promise<SysctlValues> {
    return this.#ask("GET", "/v1/sysctls");
  }

  setSysctl(name: string, value: number): Promise<void> {
    return this.#ask("PUT", `/v1/sysctls/${encodeURIComponent(name)}`, { value });
  }

  runningConfig(): Promise<Config> {
    return this.#ask("GET", "/v1/config");
  }

  haStatus(): Promise<HaStatus> {
    return this.#ask("GET", "/v1/ha");
  }

  haStandby(choice: HaChoice): Promise<void> {
    return this.#ask("POST", "/v1/ha/standby", choice);
  }

  haTakeover(choice: HaChoice): Promise<void> {
    return this.#ask("POST", "/v1/ha/takeover", choice);
  }

  haClear(choice: HaChoice): Promise<void> {
    return this.#ask("POST", "/v1/ha/clear", choice);
  }

  async syncDaemons(): Promise<readonly SyncDaemon[]> {
    const answer = await this.#ask<{ daemons: readonly SyncDaemon[] }>("GET", "/v1/sync-daemons");
    return answer.daemons;
  }

  startSyncDaemon(daemon: SyncDaemon): Promise<void> {
    return this.#ask("POST", "/v1/sync-daemons", daemon);
  }

  async stopSyncDaemon(role: SyncDaemonRole): Promise<boolean> {
    const answer = await this.#ask<{ stopped: boolean }>("DELETE", `/v1/sync-daemons/${role}`);
    return answer.stopped;
  }

  /** Closes the kept connections. */
  close(): void {
    this.#requests.close();
  }

  #ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    return this.#requests.ask(method, path, body);
  }
}

/** A choice as the query of a path, with its question mark; empty where all are meant. */
function choiceSearch(choice: ConnectionChoice): string {
  const query = Object.entries(choiceWords(choice)).map(
    ([name, value]) => `${name}=${encodeURIComponent(value)}`,
  );
  return query.length === 0 ? "" : `?${query.join("&")}`;
}

/** A choice as query and body have it. */
function choiceWords({ service, realserver, client }: ConnectionChoice): Record<string, string> {
  return {
    ...(service !== undefined && { service: serviceKey(service) }),
    ...(realserver !== undefined && { realserver: realserverKey(realserver) }),
    ...(client !== undefined && { client }),
  };
}

function servicePath(id: ServiceId): string {
  return `/v1/services/${encodeURIComponent(serviceKey(id))}`;
}

function realserverPath(id: ServiceId, server: Endpoint): string {
  return `${servicePath(id)}/realservers/${encodeURIComponent(realserverKey(server))}`;
}
