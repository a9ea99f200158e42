/** What a script of edits should come to: as simple as it can be said, and without a word of the director's own code. */
import { serviceKey } from "../../../src/core/model.js";
import {
  type Edit,
  idOf,
  type Place,
  realserverFor,
  type ServerEdit,
  type ServiceEdit,
  settingsFor,
} from "./edit.js";

/** One service of the model; realservers oldest first. */
export interface ModelService {
  readonly at: Place;
  service: ServiceEdit;
  servers: ServerEdit[];
}

/** A weight that no number of a test's connections reaches, which `ovf` compares it with. */
export const HEAVY = 100;
/** Schedulers that may choose a realserver that takes nothing, and then have no second choice. */
const STRICT = ["sh", "dh", "mh"];

/** Services by address. */
export class EditModel {
  #services = new Map<string, ModelService>();

  services(): ModelService[] {
    return [...this.#services.values()];
  }

  get(address: string): ModelService | undefined {
    return this.#services.get(address);
  }

  copy(): EditModel {
    const copy = new EditModel();
    for (const [key, { at, service, servers }] of this.#services) {
      copy.#services.set(key, { at, service, servers: [...servers] });
    }
    return copy;
  }

  apply(edit: Edit): void {
    if (edit.op === "C") {
      this.#services.clear();
      return;
    }
    const { address } = edit.at;
    const found = this.#services.get(address)!;
    switch (edit.op) {
      case "A":
        this.#services.set(address, { at: edit.at, service: edit.service, servers: [] });
        break;
      case "E":
        found.service = edit.service;
        break;
      case "D":
        this.#services.delete(address);
        break;
      case "a":
        found.servers.push(edit.server);
        break;
      case "e":
        found.servers = found.servers.map((server) =>
          server.address === edit.server.address ? edit.server : server,
        );
        break;
      case "d":
        found.servers = found.servers.filter((server) => server.address !== edit.server.address);
        break;
    }
  }

  /** Several edits that happen together: realservers that are there before and after keep their place. */
  applyTogether(edits: readonly Edit[]): void {
    const before = this.#services;
    this.#services = this.copy().#services;
    for (const edit of edits) this.apply(edit);
    for (const [address, service] of this.#services) {
      const places = before.get(address)?.servers.map((server) => server.address) ?? [];
      const isOld = (server: ServerEdit): boolean => places.includes(server.address);
      const kept = service.servers.filter(isOld);
      kept.sort((a, b) => places.indexOf(a.address) - places.indexOf(b.address));
      service.servers = [...kept, ...service.servers.filter((server) => !isOld(server))];
    }
  }

  /** Whether each new connection to the address must find a realserver. */
  isUsable(address: string): boolean {
    const found = this.#services.get(address);
    if (found === undefined || found.at.protocol === "udp" || found.servers.length === 0) return false;
    const isOpen = ({ weight, upper }: ServerEdit): boolean => weight > 0 && upper === 0;
    if (STRICT.includes(found.service.scheduler)) return found.servers.every(isOpen);
    return found.servers.some((server) => isOpen(server) && server.weight >= HEAVY);
  }

  /** By key: settings, and realservers newest first, as the director lists them. */
  expected(): Record<string, unknown> {
    return Object.fromEntries(
      this.services().map(({ at, service, servers }) => [
        serviceKey(idOf(at)),
        {
          settings: settingsFor(at, service),
          realservers: servers.map((server) => realserverFor(at, server)).reverse(),
        },
      ]),
    );
  }
}
