/** One resource group of a cluster on this director: what it holds, its hooks, and its state in the words of all protocols. */
import type { HaInstanceStatus, HaPeerStatus, HaState } from "../../core/ha-status.js";
import type { Announcer } from "../announce/announcer.js";
import type { HaParts } from "../protocol.js";
import type { ResourceGroup } from "../resources/group.js";
import { makeGroup } from "../resources/held-group.js";
import { Notifier } from "../resources/notify.js";
import type { ClusterGroupSettings } from "./settings.js";

/** What the cluster knows of a group, for its status. */
export interface GroupView {
  readonly isLeaving: boolean;
  readonly isStandby: boolean;
  readonly priority: number;
  readonly basePriority: number;
  readonly faults: readonly string[];
  /** Of a group that is elsewhere: where, and when that was heard. */
  readonly master?: HaInstanceStatus["master"];
  readonly tracked: HaInstanceStatus["tracked"];
  readonly peers: readonly HaPeerStatus[];
  readonly advertMs: number;
  readonly downMs: number;
  readonly maxLateMs: number;
  readonly counters: Readonly<Record<string, number>>;
}

/** See the file's head. */
export class ClusterGroup {
  readonly settings: ClusterGroupSettings;
  readonly group: ResourceGroup;
  readonly #announcer: Announcer;
  readonly #notifier: Notifier;
  readonly #parts: HaParts;
  /** Told why it cannot be here, or that it can. */
  onTrouble: (reason: string | undefined) => void = () => {};
  #state: HaState = "INIT";
  #reason = "not started yet";
  #sinceIso = new Date().toISOString();
  #transitions = 0;
  #conflicts = 0;

  constructor(settings: ClusterGroupSettings, parts: HaParts) {
    const logger = parts.logger.child({ group: settings.name });
    const onTrouble = (reason: string | undefined): void => this.onTrouble(reason);
    const { group, announcer } = makeGroup(settings, { ...parts, logger, onTrouble });
    this.settings = settings;
    this.group = group;
    this.#announcer = announcer;
    this.#notifier = new Notifier(settings.notify ?? {}, parts.timers, logger);
    this.#parts = parts;
  }

  get name(): string {
    return this.settings.name;
  }

  get state(): HaState {
    return this.#state;
  }

  /** Brings the state up to date; hooks and listeners are told of a change. @param priority the score here */
  become(state: HaState, reason: string, priority: number): void {
    const from = this.#state;
    if (from === state) return;
    this.#state = state;
    this.#reason = reason;
    this.#sinceIso = new Date().toISOString();
    this.#transitions++;
    const { name } = this;
    const told = state === "INIT" ? "STOP" : state;
    this.#notifier.notify({ type: "INSTANCE", name, state: told, priority, reason });
    this.#parts.onEvent?.({ kind: "transition", instance: name, from, to: state, reason, priority });
  }

  /** Another director holds it too. @param stays whether it stays here */
  conflict(node: string, stays: boolean, priority: number): void {
    this.#conflicts++;
    const { name } = this;
    const reason = `${node} holds it too`;
    if (stays)
      this.#notifier.notify({ type: "INSTANCE", name, state: "MASTER_RX_LOWER_PRI", priority, reason });
    this.#parts.onEvent?.({ kind: "conflict", instance: name, source: node, priority });
  }

  /** Settles when its resources are stopped and its hooks have run. */
  async idle(): Promise<void> {
    await this.group.stopped();
    await this.#notifier.idle();
  }

  status(view: GroupView): HaInstanceStatus {
    const { floating } = this.settings;
    const { state: resources, holdsAddresses, trouble } = this.group.status();
    return {
      protocol: "heartbeat",
      name: this.name,
      state: this.#state,
      since: this.#sinceIso,
      reason: this.#reason,
      interface: [...new Set(floating.map((address) => address.interface))].join(" "),
      addresses: floating.map(({ address }) => address),
      holdsAddresses,
      resources,
      ...(trouble !== undefined && { trouble }),
      transitions: this.#transitions,
      conflicts: this.#conflicts,
      announcements: this.#announcer.sent,
      ...view,
    };
  }
}
