/**
 * What can be asked of a running director. The control socket, `uvs` and `uvsadm` offer these and nothing else; the
 * director implements them. Each operation happens whole or not at all and resolves when it is in effect: the next
 * connection obeys it. All throw UvsError.
 */
import type { Endpoint } from "../core/address.js";
import type {
  ConnectionTimeouts,
  Realserver,
  ServiceId,
  ServiceSettings,
  VirtualService,
} from "../core/model.js";
import type { DirectorStatus, ServiceStatus } from "../core/status.js";

/** What a reload did, one line for each difference, e.g. `tcp://10.0.0.1:80: realserver 10.0.0.2:80 added`. */
export interface ReloadReport {
  readonly changes: readonly string[];
}

export interface Operations {
  status(): Promise<DirectorStatus>;
  /** All services, or the one: NO_SERVICE where it is not there. */
  services(id?: ServiceId): Promise<readonly ServiceStatus[]>;
  timeouts(): Promise<ConnectionTimeouts>;

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
}
