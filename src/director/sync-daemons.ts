/**
 * The connection sync daemons that ipvsadm starts and stops: noted and listed, so that scripts run; nothing is
 * synchronised by them.
 */
import { networkInterfaces } from "node:os";
import { UvsError } from "../core/errors.js";
import type { SyncDaemon, SyncDaemonRole } from "../core/model.js";

/** At most one of each role. */
export class SyncDaemons {
  readonly #daemons = new Map<SyncDaemonRole, SyncDaemon>();

  /** Master first. */
  list(): SyncDaemon[] {
    return (["master", "backup"] as const).flatMap((role) => this.#daemons.get(role) ?? []);
  }

  /** @throws UvsError EXISTS; SYSCALL with `details.errno` ENODEV */
  start(daemon: SyncDaemon): void {
    if (this.#daemons.has(daemon.role)) {
      throw new UvsError("EXISTS", `a ${daemon.role} sync daemon runs already`);
    }
    if (networkInterfaces()[daemon.interface] === undefined) {
      throw new UvsError("SYSCALL", `sync daemon: no interface ${daemon.interface} on this host`, {
        details: { errno: "ENODEV", interface: daemon.interface },
      });
    }
    this.#daemons.set(daemon.role, daemon);
  }

  /** @returns whether one ran */
  stop(role: SyncDaemonRole): boolean {
    return this.#daemons.delete(role);
  }
}
