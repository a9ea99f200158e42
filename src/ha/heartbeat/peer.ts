/** Heartbeat as a director has it: the cluster as it is configured, with the interfaces that it looks at. */
import { isDeepStrictEqual } from "node:util";
import { UvsError } from "../../core/errors.js";
import type { HaChoice, HaProtocolStatus } from "../../core/ha-status.js";
import { LinkWatch } from "../links/link-watch.js";
import type { Farewell, HaParts, HaProtocol } from "../protocol.js";
import { removeLeftovers } from "../resources/floating-addresses.js";
import type { Choice } from "./cluster.js";
import { nextGeneration } from "./generation.js";
import { Session } from "./session.js";
import type { HeartbeatSettings } from "./settings.js";
import { udpLinks } from "./udp-link.js";

/** See the file's head. */
export class HeartbeatPeer implements HaProtocol<HeartbeatSettings> {
  readonly protocol = "heartbeat";
  readonly #parts: HaParts;
  readonly #links: LinkWatch;
  #session: Session;

  /** @throws UvsError INVALID where the settings make no sense; PERMISSION or CONFIG where the key file does not */
  constructor(settings: HeartbeatSettings, parts: HaParts) {
    this.#parts = parts;
    this.#session = this.#open(settings);
    this.#links = new LinkWatch(watchedInterfaces(settings), {
      ...parts,
      onLook: (snapshot) => this.#session.linksChanged(snapshot),
    });
  }

  async start(): Promise<void> {
    this.#removeLeftovers();
    this.#links.start();
    this.#session.start();
  }

  async stop(): Promise<void> {
    await this.#session.stop();
    this.#links.stop();
  }

  /** Groups that are the same in both stay where they are; others are given up and taken again. */
  async reload(settings: HeartbeatSettings): Promise<readonly string[]> {
    const before = this.#session;
    if (isDeepStrictEqual(settings, before.settings)) return [];
    if (settings.node !== before.settings.node) {
      throw new UvsError(
        "INVALID",
        "heartbeat: node: a director's name changes only when it is started again",
        {
          side: "config",
        },
      );
    }
    const successor = this.#open(settings, before);
    await before.dropAllBut(successor);
    this.#links.watch(watchedInterfaces(settings));
    successor.start(before);
    this.#session = successor;
    return ["heartbeat: changed"];
  }

  standby(choice: HaChoice): void {
    this.#session.standby(this.#choice(choice));
  }

  takeover(choice: HaChoice): void {
    this.#session.takeover(this.#choice(choice));
  }

  clear(choice: HaChoice): void {
    this.#session.clear(this.#choice(choice));
  }

  /** Groups of a cluster follow scores, not services. */
  setService(): void {}

  status(): HaProtocolStatus {
    return this.#session.status();
  }

  farewells(): readonly Farewell[] {
    return this.#session.farewells();
  }

  silenceMs(): number | undefined {
    return this.#session.silenceMs();
  }

  #open(settings: HeartbeatSettings, predecessor?: Session): Session {
    const { logger } = this.#parts;
    const floating = new Set(
      settings.groups.flatMap((group) => group.floating.map(({ address }) => address)),
    );
    const parts = {
      ...this.#parts,
      openLink: udpLinks({
        isFloating: (address) => floating.has(address),
        interfaceIndex: (name) => this.#parts.raw.interfaceIndex(name),
      }),
      generation: nextGeneration(settings.generationFile, Date.now() / 1000, logger),
    };
    return new Session(settings, parts, predecessor);
  }

  #removeLeftovers(): void {
    const { interfaces, note, logger } = this.#parts;
    const configured = this.#session.settings.groups.flatMap(({ floating }) => floating);
    const failure = removeLeftovers(configured, { interfaces, note, logger });
    if (failure !== undefined) logger.error({}, `a left over address: ${failure}`);
  }

  /** @throws UvsError NO_INSTANCE, or INVALID */
  #choice({ instance, scope = "all" }: HaChoice): Choice {
    if (instance === undefined) return { scope };
    const names = this.#session.groups.map(({ name }) => name);
    if (!names.includes(instance)) {
      throw new UvsError("NO_INSTANCE", `there is no group ${instance}; there are ${names.join(" ")}`, {
        details: { instance },
      });
    }
    if (scope !== "all")
      throw new UvsError("INVALID", `found ${instance} and ${scope}, accepted is one of them`);
    return { scope, group: instance };
  }
}

function watchedInterfaces({ links, groups }: HeartbeatSettings): string[] {
  return [
    ...links.map((link) => link.interface),
    ...groups.flatMap(({ floating }) => floating.map((address) => address.interface)),
  ];
}
