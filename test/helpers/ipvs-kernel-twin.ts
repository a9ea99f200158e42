/**
 * The in-memory director with what only the kernel checks: persistence engines, unicast addresses. Recordings of ipvsadm
 * are replayed against it.
 */
import { isIPv4 } from "node:net";
import { UvsError } from "../../src/core/errors.js";
import {
  PERSISTENCE_ENGINES,
  type Realserver,
  type ServiceId,
  type ServiceSettings,
  type VirtualService,
} from "../../src/core/model.js";
import { InMemoryOperations } from "./in-memory-operations.js";

export class IpvsKernelTwin extends InMemoryOperations {
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
