/** What a command line asks for, once it is understood. */
import type { Endpoint } from "../../core/address.js";
import type {
  ConnectionTimeouts,
  Persistence,
  Realserver,
  ServiceId,
  SyncDaemon,
  SyncDaemonRole,
} from "../../core/model.js";

/** What `-A` and `-E` set of a service: all that ipvsadm knows of it, defaults filled in. */
export interface ServiceChoice {
  readonly scheduler: string;
  readonly schedulerFlags: number;
  readonly persistence: Persistence | undefined;
  readonly onePacket: boolean;
  readonly persistenceEngine: string | undefined;
  /** Only where `--ports` names ports. */
  readonly listenOn?: readonly Endpoint[];
}

/** Columns of a listing of services: what they are set to and the connections of now, or what traffic has counted. */
export type ListFormat = "plain" | "thresholds" | "persistent-conn" | "tun-info" | "stats" | "rate";

/** How a listing of services is printed. */
export interface ListChoice {
  readonly format: ListFormat;
  readonly numeric: boolean;
  /** Numbers in full. */
  readonly exact: boolean;
  readonly sorted: boolean;
}

/** One ipvsadm command. */
export type IpvsadmCommand =
  | { readonly name: "add-service" | "edit-service"; readonly id: ServiceId; readonly choice: ServiceChoice }
  | { readonly name: "delete-service"; readonly id: ServiceId }
  | {
      readonly name: "add-server" | "edit-server";
      readonly id: ServiceId;
      readonly server: Realserver;
      /** Whether the command says which PROXY header it is sent: an edit that does not leaves it as it is. */
      readonly namesHeader: boolean;
    }
  | { readonly name: "delete-server"; readonly id: ServiceId; readonly server: Endpoint }
  | { readonly name: "flush" }
  | { readonly name: "zero"; readonly id: ServiceId | undefined }
  | { readonly name: "set"; readonly timeouts: ConnectionTimeouts }
  | { readonly name: "list-services"; readonly id: ServiceId | undefined; readonly choice: ListChoice }
  | { readonly name: "list-connections"; readonly numeric: boolean; readonly engines: boolean }
  | { readonly name: "list-timeouts" | "list-daemons" }
  | { readonly name: "save"; readonly numeric: boolean }
  | { readonly name: "restore"; readonly atomic: boolean }
  | { readonly name: "start-daemon"; readonly daemon: SyncDaemon }
  | { readonly name: "stop-daemon"; readonly role: SyncDaemonRole }
  | { readonly name: "help" | "version" };

/** What ipvsadm without arguments does. */
export const LIST_ALL: IpvsadmCommand = {
  name: "list-services",
  id: undefined,
  choice: { format: "plain", numeric: false, exact: false, sorted: true },
};
