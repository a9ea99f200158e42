/**
 * What can be asked of a running director. The control socket, `uvs` and `uvsadm` offer these and nothing else; the
 * director implements them. Each operation happens whole or not at all and resolves when it is in effect: the next
 * connection obeys it. All throw UvsError.
 */
import type { Config } from "../config/config.js";
import type { Endpoint } from "../core/address.js";
import type { DoctorReport } from "../core/doctor.js";
import type { PlainError } from "../core/errors.js";
import type { HaChoice, HaStatus } from "../core/ha-status.js";
import type { HealthStatus } from "../core/health-status.js";
import type {
  ConnectionChoice,
  ConnectionTimeouts,
  Realserver,
  ServiceId,
  ServiceSettings,
  SyncDaemon,
  SyncDaemonRole,
  VirtualService,
} from "../core/model.js";
import type {
  ConnectionStatus,
  DirectorStatus,
  LiveConnection,
  ServiceStatus,
  TemplateStatus,
} from "../core/status.js";
import type { SysctlValues } from "../core/sysctls.js";

import type { ListingFormat } from "./ipvsadm/layouts.js";

/** What a reload did, one line for each difference, e.g. `tcp://10.0.0.1:80: realserver 10.0.0.2:80 added`. */
export interface ReloadReport {
  readonly changes: readonly string[];
}

/** One change as a plain object: the operation of the same name with its arguments. */
export type Change =
  | { readonly operation: "addService"; readonly service: VirtualService }
  | { readonly operation: "editService"; readonly id: ServiceId; readonly settings: ServiceSettings }
  | { readonly operation: "deleteService"; readonly id: ServiceId }
  | { readonly operation: "clear" }
  | {
      readonly operation: "addRealserver" | "editRealserver";
      readonly id: ServiceId;
      readonly server: Realserver;
    }
  | { readonly operation: "deleteRealserver"; readonly id: ServiceId; readonly server: Endpoint }
  | { readonly operation: "setTimeouts"; readonly timeouts: ConnectionTimeouts };

/** How all services are listed, with addresses and ports as numbers. */
export interface ListingChoice {
  readonly format: ListingFormat;
  /** Otherwise in the forwarder's order. */
  readonly sorted: boolean;
  /** Large numbers of traffic in full. */
  readonly exact: boolean;
}

/** Why one change of several was refused. */
export interface Refusal {
  /** Position in the changes, from 0. */
  readonly index: number;
  readonly error: PlainError;
}

export interface Operations {
  status(): Promise<DirectorStatus>;
  /** All services, or the one: NO_SERVICE where it is not there. */
  services(id?: ServiceId): Promise<readonly ServiceStatus[]>;
  /** All services as `ipvsadm -L -n` prints them; much sooner than `services` where there are thousands of realservers. */
  listing(choice: ListingChoice): Promise<string>;
  timeouts(): Promise<ConnectionTimeouts>;
  /** What the checks say of the realservers. */
  health(): Promise<HealthStatus>;
  /** Looks at the host, and at what the director has made in its kernel. */
  doctor(): Promise<DoctorReport>;

  /** EXISTS, NO_SCHEDULER, INVALID, ADDRESS_IN_USE, PERMISSION, TOO_MANY. */
  addService(service: VirtualService): Promise<void>;
  /** Replaces the settings; realservers and connections stay. NO_SERVICE, NO_SCHEDULER, INVALID. */
  editService(id: ServiceId, settings: ServiceSettings): Promise<void>;
  /** Closes its listening sockets at once; its connections go on. NO_SERVICE. */
  deleteService(id: ServiceId): Promise<void>;
  /** Deletes all services. */
  clear(): Promise<void>;

  /** NO_SERVICE, EXISTS, INVALID, RANGE, TOO_MANY. */
  addRealserver(id: ServiceId, server: Realserver): Promise<void>;
  /** Replaces all that is set of it. NO_SERVICE, NO_SERVER, INVALID, RANGE. */
  editRealserver(id: ServiceId, server: Realserver): Promise<void>;
  /** NO_SERVICE, NO_SERVER. */
  deleteRealserver(id: ServiceId, server: Endpoint): Promise<void>;

  /** Sets counters and rates of one service, or of all, to zero; active and inactive stay. NO_SERVICE. */
  zero(id?: ServiceId): Promise<void>;
  /** As `ipvsadm --set`: a value of 0 leaves that time-out as it is. INVALID. */
  setTimeouts(timeouts: ConnectionTimeouts): Promise<ConnectionTimeouts>;
  /** Reads the configuration file again and applies the difference. CONFIG: nothing was changed. */
  reload(): Promise<ReloadReport>;

  /** The connection table with its persistence templates, as `ipvsadm -L -c` lists it, in no particular order. */
  connections(): Promise<readonly ConnectionStatus[]>;
  /** Connections that are being carried and agree with all that the filter gives. NO_SERVICE, NO_SERVER. */
  liveConnections(filter: ConnectionChoice): Promise<readonly LiveConnection[]>;
  /** Resets such connections. @returns how many. NO_SERVICE, NO_SERVER */
  killConnections(filter: ConnectionChoice): Promise<number>;
  /** Persistence templates that agree with all that the filter gives. NO_SERVICE, NO_SERVER. */
  templates(filter: ConnectionChoice): Promise<readonly TemplateStatus[]>;
  /** Removes all persistence templates; connections go on. @returns how many there were */
  flushTemplates(): Promise<number>;
  /**
   * Makes all changes, in order, or none; nothing in between is seen from outside. Resolves to what was refused: empty
   * where all were made.
   */
  applyAtomically(changes: readonly Change[]): Promise<readonly Refusal[]>;

  /**
   * Quiesces a realserver (weight 0) and remembers its weight; after `deadlineMs`, if given, resets what is left.
   * NO_SERVICE, NO_SERVER, INVALID.
   */
  drain(id: ServiceId, server: Endpoint, deadlineMs?: number): Promise<void>;
  /** Gives a drained realserver its weight back. NO_SERVICE, NO_SERVER, INVALID where it is not being drained. */
  undrain(id: ServiceId, server: Endpoint): Promise<void>;

  /** The kernel's knobs by name (core/sysctls.ts). */
  sysctls(): Promise<SysctlValues>;
  /** INVALID where name or value is not accepted. */
  setSysctl(name: string, value: number): Promise<void>;
  /** The running state as a configuration: services and time-outs as they are now, the rest as it was started with. */
  runningConfig(): Promise<Config>;

  /** High availability: every instance as it is. */
  haStatus(): Promise<HaStatus>;
  /** Gives up what is held and stays away until takeover or clear. NO_INSTANCE, INVALID, UNSUPPORTED. */
  haStandby(choice: HaChoice): Promise<void>;
  /** Becomes master now; ends standby. NO_INSTANCE, INVALID, UNSUPPORTED. */
  haTakeover(choice: HaChoice): Promise<void>;
  /** Ends standby and forgets failures of resources. NO_INSTANCE, INVALID, UNSUPPORTED. */
  haClear(choice: HaChoice): Promise<void>;

  /** The sync daemons that run, master first. */
  syncDaemons(): Promise<readonly SyncDaemon[]>;
  /** EXISTS where one of this role runs; SYSCALL with `details.errno` ENODEV where the interface is not there. */
  startSyncDaemon(daemon: SyncDaemon): Promise<void>;
  /** Resolves to whether one of this role ran. */
  stopSyncDaemon(role: SyncDaemonRole): Promise<boolean>;
}
