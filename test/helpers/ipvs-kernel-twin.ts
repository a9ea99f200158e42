/**
 * The in-memory director with what only the kernel checks or keeps: persistence engines, unicast addresses, sync
 * daemons, a connection table, several changes at once. Recordings of ipvsadm are replayed against it.
 */
import { isIPv4 } from "node:net";
import { applyChange } from "../../src/control/ipvsadm/changes.js";
import type { Change, Refusal } from "../../src/control/operations.js";
import { UvsError } from "../../src/core/errors.js";
import {
  PERSISTENCE_ENGINES,
  type Realserver,
  type ServiceId,
  type ServiceSettings,
  type SyncDaemon,
  type SyncDaemonRole,
  type VirtualService,
} from "../../src/core/model.js";
import type { ConnectionStatus } from "../../src/core/status.js";
import { InMemoryOperations } from "./in-memory-operations.js";

/** The network interfaces of the recordings' director. */
const INTERFACES = ["eth0"];

export class IpvsKernelTwin extends InMemoryOperations {
  /** What `-L -c` finds. */
  connectionTable: ConnectionStatus[] = [];
  #daemons: SyncDaemon[] = [];

  override async addService(service: VirtualService): Promise<void> {
    checkEngine(service.settings);
    await super.addService(service);
  }

  override async editService(id: ServiceId, settings: ServiceSettings): Promise<void> {
    await this.services(id);
    checkEngine(settings);
    await super.editService(id, settings);
  }

  override async addRealserver(id: ServiceId, server: Realserver): Promise<void> {
    await this.services(id);
    checkUnicast(server.address);
    await super.addRealserver(id, server);
  }

  async connections(): Promise<readonly ConnectionStatus[]> {
    return this.connectionTable;
  }

  async applyAtomically(changes: readonly Change[]): Promise<readonly Refusal[]> {
    const before = await this.services();
    const timeouts = await this.timeouts();
    const refusals: Refusal[] = [];
    for (const [index, change] of changes.entries()) {
      await applyChange(this, change).catch((error: unknown) => {
        refusals.push({ index, error: UvsError.from(error).toPlain() });
      });
    }
    if (refusals.length > 0) {
      await this.clear();
      for (const { id, settings, realservers } of before) {
        await this.addService({ id, settings, realservers: [...realservers].reverse() });
      }
      await this.setTimeouts(timeouts);
    }
    return refusals;
  }

  async syncDaemons(): Promise<readonly SyncDaemon[]> {
    return this.#daemons.toSorted((a, b) => b.role.localeCompare(a.role));
  }

  async startSyncDaemon(daemon: SyncDaemon): Promise<void> {
    if (this.#daemons.some(({ role }) => role === daemon.role)) {
      throw new UvsError("EXISTS", `the ${daemon.role} sync daemon runs already`);
    }
    if (!INTERFACES.includes(daemon.interface)) {
      throw new UvsError("SYSCALL", `no interface ${daemon.interface}`, { details: { errno: "ENODEV" } });
    }
    this.#daemons.push(daemon);
  }

  async stopSyncDaemon(role: SyncDaemonRole): Promise<boolean> {
    const running = this.#daemons.length;
    this.#daemons = this.#daemons.filter((daemon) => daemon.role !== role);
    return this.#daemons.length < running;
  }
}

function checkEngine({ persistenceEngine }: ServiceSettings): void {
  if (persistenceEngine === undefined || PERSISTENCE_ENGINES.includes(persistenceEngine)) return;
  throw new UvsError("NO_SCHEDULER", `no persistence engine ${persistenceEngine}`);
}

/** As inet_addr_type in the kernel: not 0/8, not multicast, not broadcast. */
function checkUnicast(address: string): void {
  if (!isIPv4(address)) return;
  const first = Number(address.split(".")[0]);
  if (first === 0 || first >= 224) throw new UvsError("INVALID", `${address} is no unicast address`);
}
