/** One virtual router with what belongs to it: election, group of resources, hooks. */
import { isDeepStrictEqual } from "node:util";
import type { HaInstanceStatus } from "../../core/ha-status.js";
import type { Announcer } from "../announce/announcer.js";
import type { LinkSnapshot } from "../links/link-watch.js";
import type { Farewell, HaParts } from "../protocol.js";
import { FloatingAddresses } from "../resources/floating-addresses.js";
import type { ResourceGroup } from "../resources/group.js";
import { makeGroup } from "../resources/held-group.js";
import { Notifier } from "../resources/notify.js";
import { scriptResource } from "../resources/script-resources.js";
import type { TrackedKind, TrackedState } from "../tracking/tracking.js";
import { Instance } from "./instance.js";
import type { PeerFencing } from "./peer-fencing.js";
import type { RouterSettings } from "./peer-settings.js";
import { routerStatus } from "./router-status.js";
import type { InstanceEvent } from "./status.js";
import type { SyncGroup } from "./sync-group.js";
import type { OpenTransport } from "./transport.js";

const FULL_TTL = 255;

/** What a router is made of besides the parts of all protocols. */
export interface RouterParts extends HaParts {
  readonly openTransport: OpenTransport;
  readonly syncGroup?: SyncGroup;
  readonly fencing: PeerFencing;
  /** Told when the sync group as a whole has come into a state. */
  readonly onSettled: (group: string, event: Extract<InstanceEvent, { kind: "transition" }>) => void;
}

/** How tracked things are now, by what they are. */
export type KnownStates = Iterable<readonly [kind: TrackedKind, name: string, state: TrackedState]>;

/** See the file's head. */
export class Router {
  readonly settings: RouterSettings;
  readonly instance: Instance;
  readonly group: ResourceGroup;
  readonly #announcer: Announcer;
  readonly #notifier: Notifier;
  readonly #parts: RouterParts;

  /**
   * @param predecessor the retired router that this one goes on for
   * @throws UvsError INVALID where the settings make no sense
   */
  constructor(settings: RouterSettings, parts: RouterParts, predecessor?: Router) {
    const { timers, openTransport, syncGroup, fencing } = parts;
    const logger = parts.logger.child({ router: settings.name });
    // Nobody else has the addresses: what still runs here ends before another director starts it.
    const onTrouble = (reason: string | undefined): void => this.instance.setFault("group", reason, true);
    const { group, announcer } = makeGroup(settings, { ...parts, logger, onTrouble });
    this.settings = settings;
    this.group = group;
    this.#announcer = announcer;
    this.#notifier = new Notifier(settings.notify ?? {}, timers, logger);
    this.#parts = { ...parts, logger };
    this.instance = new Instance(settings, {
      timers,
      openTransport,
      holder: group,
      fencing,
      logger,
      onEvent: (event) => this.#event(event),
      ...(parts.onAlive !== undefined && { onAlive: parts.onAlive }),
      ...(syncGroup !== undefined && { syncGroup }),
      ...(predecessor !== undefined && { predecessor: predecessor.instance }),
    });
  }

  get name(): string {
    return this.settings.name;
  }

  get syncGroup(): string | undefined {
    return this.#parts.syncGroup?.name;
  }

  /** Tells it how everything is that it tracks. */
  learn(states: KnownStates): void {
    for (const [kind, name, state] of states) this.instance.track(kind, name, state);
  }

  /** The interfaces have changed. */
  linksChanged(snapshot: LinkSnapshot): void {
    this.instance.catchUp();
    this.instance.refreshSource();
    if (!this.instance.isListening) this.group.check(snapshot);
  }

  /** Leaves politely; settles when nothing is held. */
  async stop(): Promise<void> {
    await this.instance.stop();
    await this.group.stopped();
  }

  /** Settles when all hooks have run. */
  hooksRun(): Promise<void> {
    return this.#notifier.idle();
  }

  /** Ends without a word, for a successor. @returns whether it was master: its addresses and resources are left then */
  retire(): boolean {
    const isMaster = this.instance.retire();
    if (isMaster) this.group.surrender();
    return isMaster;
  }

  /** Gives up what a retired router has left and its successor does not have. */
  async dropRest(successor: RouterSettings): Promise<void> {
    const { timers, logger } = this.#parts;
    const { resources = [], floating } = this.settings;
    const isKept = (resource: object): boolean =>
      (successor.resources ?? []).some((other) => isDeepStrictEqual(other, resource));
    for (const resource of resources.filter((own) => !isKept(own)).reverse()) {
      const { name, stop } = scriptResource(resource, timers);
      const failure = await stop();
      if (failure !== undefined) logger.error({ resource: name }, `${name} does not stop: ${failure}`);
    }
    const kept = new Set(successor.floating.map(({ address, interface: name }) => `${name} ${address}`));
    const gone = floating.filter(({ address, interface: name }) => !kept.has(`${name} ${address}`));
    const announcer = { refusal: () => undefined, start: () => {}, stop: () => {} };
    const addresses = new FloatingAddresses(gone, { ...this.#parts, announcer, onLost: () => {} });
    const failure = await addresses.drop();
    if (failure !== undefined) logger.error({}, `two directors may have an address: ${failure}`);
  }

  /** What somebody else would have to send to say that this director has left. */
  farewells(): Farewell[] {
    const { family, interface: device, unicast } = this.settings;
    const ttl = unicast?.ttl ?? FULL_TTL;
    if (this.instance.state !== "MASTER" || this.instance.source === undefined) return [];
    const { source } = this.instance;
    return this.instance.farewell().map((packet) => ({ family, interface: device, source, ttl, ...packet }));
  }

  status(): HaInstanceStatus {
    return routerStatus(this.instance, this.group.status(), this.#announcer.sent, this.syncGroup);
  }

  #event(event: InstanceEvent): void {
    const { syncGroup, onSettled, onEvent } = this.#parts;
    const { name } = this;
    // A successor goes on as if nothing were; hooks need not know.
    if (event.kind === "transition" && event.reason !== "its configuration has changed") {
      const { priority, reason } = event;
      const state = event.to === "INIT" ? "STOP" : event.to;
      this.#notifier.notify({ type: "INSTANCE", name, state, priority, reason });
      if (syncGroup !== undefined && event.settlesGroup) onSettled(syncGroup.name, event);
    } else if (event.kind === "conflict") {
      const reason = `heard ${event.source} with priority ${event.priority}`;
      const { priority } = event;
      this.#notifier.notify({ type: "INSTANCE", name, state: "MASTER_RX_LOWER_PRI", priority, reason });
    } else if (event.kind === "fencing" && !event.isDone && event.attempt === 1) {
      const reason = `${event.node} could not be fenced: ${event.reason}`;
      const { priority } = this.instance.status();
      this.#notifier.notify({ type: "INSTANCE", name, state: "FENCE_FAILED", priority, reason });
    }
    onEvent?.(event);
  }
}
