/** The protocols that a configuration asks for, each started, changed and stopped as the configuration changes. */
import type { HaSettings } from "../../core/ha-settings.js";
import type { HaProtocolStatus } from "../../core/ha-status.js";
import { HeartbeatPeer } from "../../ha/heartbeat/peer.js";
import type { HaParts, HaProtocol } from "../../ha/protocol.js";
import { VrrpPeer } from "../../ha/vrrp/peer.js";
import { heartbeatSettings } from "./heartbeat-settings.js";
import { vrrpSettings } from "./vrrp-settings.js";

/** A running protocol, whatever its settings are. */
export type RunningProtocol = Omit<HaProtocol<unknown>, "reload">;

/** A place for one protocol, which may run or not. */
interface Slot {
  running(): RunningProtocol | undefined;
  /** Becomes what the configuration says. @returns what was changed */
  become(ha: HaSettings): Promise<readonly string[]>;
}

/**
 * @param read the protocol's part of a configuration; undefined where it has none
 * @param make constructs it
 */
function slot<Settings>(
  read: (ha: HaSettings) => Settings | undefined,
  make: (settings: Settings) => HaProtocol<Settings>,
): Slot {
  let running: HaProtocol<Settings> | undefined;
  return {
    running: () => running,
    async become(ha) {
      const settings = read(ha);
      const before = running;
      if (settings === undefined) {
        running = undefined;
        await before?.stop();
        return before === undefined ? [] : [`${before.protocol}: stopped`];
      }
      if (before !== undefined) return before.reload(settings);
      const made = make(settings);
      running = made;
      await made.start();
      return [`${made.protocol}: started`];
    },
  };
}

/** All protocols of a director. */
export class Protocols {
  readonly #slots: readonly Slot[];

  constructor(parts: HaParts) {
    this.#slots = [
      slot(vrrpSettings, (settings) => new VrrpPeer(settings, parts)),
      slot(heartbeatSettings, (settings) => new HeartbeatPeer(settings, parts)),
    ];
  }

  /** Those that run. */
  get running(): readonly RunningProtocol[] {
    return this.#slots.flatMap((each) => each.running() ?? []);
  }

  /** Starts, changes and stops what has to be. @returns what was changed @throws UvsError as the protocols do */
  async become(ha: HaSettings): Promise<readonly string[]> {
    const lines: string[] = [];
    for (const each of this.#slots) lines.push(...(await each.become(ha)));
    return lines;
  }

  /** What all of them report, as one. */
  status(): HaProtocolStatus {
    const statuses = this.running.map((protocol) => protocol.status());
    const instances = statuses.flatMap((status) => status.instances);
    return Object.assign({}, ...statuses, { instances }) as HaProtocolStatus;
  }

  async stop(): Promise<void> {
    await Promise.all(this.running.map((protocol) => protocol.stop()));
  }
}
