/**
 * One virtual router: joins the election with its packets, its timer, what it tracks and what it commands. It runs on the
 * thread that made it and waits for nothing: whatever takes time (addresses, resources, hooks) goes on beside it, so that
 * advertisements are never late because of it.
 */
import { UvsError } from "../../core/errors.js";
import type { Logger } from "../../core/logger.js";
import { RateLimitedLog } from "../../metrics/rate-limited-log.js";
import type { FenceResult } from "../fencing/fencer.js";
import type { Holder } from "../resources/holder.js";
import type { CancelTimer, Timers } from "../timers.js";
import { type TrackedKind, type TrackedState, Tracking } from "../tracking/tracking.js";
import { Advertiser } from "./advertiser.js";
import { type Authentication, PRIORITY_LEAVING, PRIORITY_OWNER, passwordAuthentication } from "./codec.js";
import { type CounterName, zeroCounters } from "./counters.js";
import type { Effect, ElectionState, TransitionReason } from "./effects.js";
import { Election } from "./election.js";
import { Faults } from "./faults.js";
import { FenceWait } from "./fence-wait.js";
import { Incoming } from "./incoming.js";
import type { Outgoing } from "./outgoing.js";
import type { PeerFencing } from "./peer-fencing.js";
import { rehearse } from "./rehearsal.js";
import { checkSettings, type InstanceSettings } from "./settings.js";
import type { InstanceEvent, InstanceStatus, TransitionStatus } from "./status.js";
import type { SyncGroup } from "./sync-group.js";
import type { AdvertTransport, OpenTransport, ReceivedPacket } from "./transport.js";

/** What an instance is made of. */
export interface InstanceParts {
  readonly timers: Timers;
  readonly openTransport: OpenTransport;
  readonly holder: Holder;
  readonly logger: Logger;
  /** Told of every event, after what it asks for was begun. */
  readonly onEvent?: (event: InstanceEvent) => void;
  /** Told after every advertisement of a master. */
  readonly onAlive?: () => void;
  /** Members are masters together or not at all. */
  readonly syncGroup?: SyncGroup;
  /** Masters that were lost without a word are fenced before they are replaced. */
  readonly fencing?: PeerFencing;
  /** The retired instance that this one goes on for: what it has counted is carried on. */
  readonly predecessor?: Instance;
}

/** Why an instance becomes master without a timer. */
type MasterReason = Extract<
  TransitionReason,
  "the sync group became master" | "taken over by the operator" | "the master has handed over"
>;

/** Priority while the operator wants this director to be master. */
const TAKEOVER_PRIORITY = 254;
const STANDBY_WORDS = "put to standby by the operator";

/** See the file's head. */
export class Instance {
  /** Whom it waits to be fenced. */
  readonly fencing: FenceWait;
  readonly #settings: InstanceSettings;
  readonly #parts: InstanceParts;
  readonly #authentication: Authentication | undefined;
  readonly #election: Election;
  readonly #tracking: Tracking;
  readonly #incoming: Incoming;
  readonly #advertiser: Advertiser;
  readonly #counters = zeroCounters();
  readonly #warnings: RateLimitedLog;
  readonly #logger: Logger;
  readonly #faults: Faults;

  #transport: AdvertTransport | undefined;
  #source: string | undefined;
  #isTakeover = false;
  #isStopping = false;
  #cancelTimer: CancelTimer = () => {};
  #armedForMs: number | undefined;
  #releasing: Promise<void> = Promise.resolve();
  #sinceIso = new Date().toISOString();
  #lastTransition: TransitionStatus | undefined;
  #transitions = 0;
  #maxLateMs = 0;

  /** @throws UvsError INVALID where the settings make no sense */
  constructor(settings: InstanceSettings, parts: InstanceParts) {
    const { name, priority, version, password } = settings;
    const logger = parts.logger.child({ instance: name });
    for (const warning of checkSettings(settings)) logger.warn({}, `vrrp ${name}: ${warning}`);
    const authentication = password === undefined ? undefined : passwordAuthentication(password);
    this.#authentication = authentication;
    const { syncGroup, fencing } = parts;
    this.#settings = settings;
    this.#parts = parts;
    this.#logger = logger;
    this.#warnings = new RateLimitedLog(logger, parts.timers);
    this.#tracking = new Tracking(priority, settings.track ?? []);
    this.#incoming = new Incoming(settings, authentication, {
      counters: this.#counters,
      warnings: this.#warnings,
      logger,
    });
    this.#advertiser = new Advertiser(settings, authentication, {
      transport: () => this.#transport,
      counters: this.#counters,
      warnings: this.#warnings,
    });
    this.#faults = new Faults(this.#tracking.outcome().faults);
    this.#election = new Election({
      ...settings,
      version,
      preempt: settings.preempt !== false || priority === PRIORITY_OWNER,
      mayBecomeMaster: () => syncGroup?.isReadyBut(this) ?? true,
      mustFence: () => this.fencing.mustFence(),
      ...(parts.predecessor && { lastMaster: parts.predecessor.#election.lastMaster }),
    });
    const lost = () => this.#election.lost(parts.timers.nowMs());
    this.fencing = new FenceWait({
      name,
      lost,
      ...(fencing && { fencing }),
      ...(syncGroup && { syncGroup }),
    });
    if (parts.predecessor !== undefined) {
      Object.assign(this.#counters, parts.predecessor.#counters);
      this.#transitions = parts.predecessor.#transitions;
    }
    syncGroup?.join(this);
  }

  get name(): string {
    return this.#settings.name;
  }

  get state(): ElectionState {
    return this.#election.state;
  }

  /** Whether it would be master if its sync group agreed. */
  get isReady(): boolean {
    return this.#election.isReady || this.#election.state === "MASTER";
  }

  /** The address that it speaks from; undefined: there is none now. */
  get source(): string | undefined {
    return this.#source;
  }

  /** Whether it is a master that is about to leave. */
  get isLeaving(): boolean {
    return this.#election.isLeaving;
  }

  /** Whether it is a master that stood still, and has not heard yet whether it was replaced. */
  get isListening(): boolean {
    return this.#election.isListening;
  }

  get isStandby(): boolean {
    return this.#faults.all.includes(STANDBY_WORDS);
  }

  /** Its own reasons not to be master; those of other members of its sync group not counted. */
  get ownFaults(): readonly string[] {
    return this.#faults.own;
  }

  /**
   * Opens the transport and takes part, after the start-up delay.
   * @param isSuccessor goes on for a master that was retired, at once
   * @throws UvsError as opening the transport does
   */
  start(isSuccessor = false): void {
    if (this.#transport !== undefined) return;
    this.#isStopping = false;
    this.#transport = this.#parts.openTransport((packet) => this.#received(packet));
    if (isSuccessor) {
      this.#source = this.#transport.source;
      this.#apply(this.#election.start(this.#parts.timers.nowMs(), this.#source ?? "", true));
    }
    this.refreshSource();
    this.#evaluate();
    this.#faultsChanged(false);
    if (isSuccessor) return;
    const delayMs = this.#settings.startupDelayMs ?? 0;
    if (delayMs > 0) this.#cancelTimer = this.#parts.timers.after(delayMs, () => this.#begin());
    else this.#begin();
  }

  /** Leaves politely. Settles when the addresses are gone and that was said to the peers. */
  async stop(): Promise<void> {
    if (this.#transport === undefined) return;
    this.#isStopping = true;
    if (this.#election.state === "INIT") this.#cancelTimer();
    this.#apply(this.#election.stop(this.#parts.timers.nowMs()));
    // An earlier release may have been followed by the one that this stop wants.
    let releasing: Promise<void>;
    do {
      releasing = this.#releasing;
      await releasing;
    } while (releasing !== this.#releasing);
    this.#transport.close();
    this.#transport = undefined;
    this.#warnings.flush();
  }

  /** Ends without a word, because a successor goes on. @returns whether it was master, and nothing made it leave */
  retire(): boolean {
    const isMaster = this.#election.state === "MASTER" && !this.#election.isLeaving;
    this.#cancelTimer();
    this.#transport?.close();
    this.#transport = undefined;
    this.#parts.syncGroup?.leave(this);
    this.#warnings.flush();
    return isMaster;
  }

  /** Says how a tracked thing is. */
  track(kind: TrackedKind, name: string, state: TrackedState): void {
    if (this.#tracking.set(kind, name, state)) this.#evaluate();
  }

  /**
   * Sets or clears a reason not to be master.
   * @param key who says so: `group`, `guard`, ...
   * @param words undefined: no such reason any more
   * @param isPolite resources are stopped in order before the addresses go, as when the operator asked for it
   */
  setFault(key: string, words: string | undefined, isPolite = false): void {
    if (this.#faults.set(key, words)) this.#faultsChanged(isPolite);
  }

  /** The operator wants another director to be master: leaves in order, and stays out until `takeover` or `online`. */
  standby(): void {
    this.#isTakeover = false;
    if (this.#faults.set("standby", STANDBY_WORDS)) this.#faultsChanged(true);
    this.#evaluate();
  }

  /** Ends `standby` and `takeover`: takes part as it was configured. */
  online(): void {
    this.#isTakeover = false;
    this.setFault("standby", undefined);
    this.#evaluate();
  }

  /** The operator wants this director to be master now. Its priority stays raised until it is not master any more. */
  takeover(): void {
    this.online();
    if (this.#election.state !== "BACKUP") return;
    this.#isTakeover = true;
    this.#evaluate();
    this.forceMaster("taken over by the operator");
  }

  /** Does what is overdue, before anything is concluded from what is seen now: this director may have stood still. */
  catchUp(): void {
    const { deadlineMs } = this.#election;
    if (deadlineMs !== undefined && deadlineMs <= this.#parts.timers.nowMs()) this.#wake();
  }

  /** Looks again which address packets are sent from: the interface's addresses have changed. */
  refreshSource(): void {
    let failure: string | undefined;
    try {
      this.#transport?.refresh();
    } catch (error) {
      failure = UvsError.from(error).message;
    }
    const source = this.#transport?.source;
    if (source !== undefined && source !== this.#source) this.#election.setSource(source);
    this.#source = source;
    const { interface: device, family } = this.#settings;
    const missing =
      source === undefined
        ? `interface ${device} is down or has no IPv${family} address to send from`
        : undefined;
    this.setFault("source", failure ?? missing);
  }

  /**
   * The master says over another way than its packets that it has left. Believed of the master that is followed only: who
   * has heard another one since then knows better.
   * @param source the address that the master advertised from
   */
  handedOver(source: string): void {
    const { state, master } = this.#election;
    if (state !== "BACKUP" || (master !== undefined && master.source !== source)) return;
    this.forceMaster("the master has handed over");
  }

  /** An attempt to fence a node has ended that this one waits for: it goes on, or says that it cannot. */
  fenceEnded(result: FenceResult): void {
    // A master that has advertised meanwhile ends the waiting.
    this.#transport?.drain();
    this.#count(result.isDone ? "fenced" : "fence_failed");
    this.#parts.onEvent?.({ kind: "fencing", instance: this.name, ...result });
    if (result.isDone) this.#apply(this.#election.fenced(this.#parts.timers.nowMs()));
  }

  /** How long the peers believe that a silent master lives; undefined: it is none. */
  get silenceMs(): number | undefined {
    return this.#election.state === "MASTER" ? this.#election.silenceMs : undefined;
  }

  /** For the sync group. */
  forceMaster(reason: MasterReason): void {
    this.#apply(this.#election.forceMaster(this.#parts.timers.nowMs(), reason));
  }

  /** For the sync group. */
  forceBackup(): void {
    this.#apply(this.#election.forceBackup(this.#parts.timers.nowMs(), "the sync group left master"));
  }

  /** What somebody else would have to send to say that this director has left. */
  farewell(): Outgoing[] {
    return this.#source === undefined ? [] : this.#advertiser.farewell(this.#source);
  }

  status(): InstanceStatus {
    const { name, interface: device, id, version, family, priority, advertMs, addresses } = this.#settings;
    const election = this.#election;
    const { master } = election;
    const waitsFor = this.fencing.words;
    return {
      name,
      interface: device,
      id,
      version,
      family,
      state: election.state,
      since: this.#sinceIso,
      ...(this.#lastTransition && { lastTransition: this.#lastTransition }),
      isLeaving: election.isLeaving,
      priority: election.priority,
      basePriority: priority,
      tracked: this.#tracking.statuses(),
      ...(waitsFor !== undefined && { waitsFor }),
      faults: this.#faults.all,
      ...(this.#source !== undefined && { source: this.#source }),
      advertMs,
      downMs: election.downMs,
      ...(master && {
        master: {
          source: master.source,
          priority: master.priority,
          heardMsAgo: Math.round(this.#parts.timers.nowMs() - master.heardMs),
        },
      }),
      peers: this.#incoming.peers(),
      addresses,
      transitions: this.#transitions,
      maxLateMs: this.#maxLateMs,
      counters: { ...this.#counters },
    };
  }

  #begin(): void {
    const nowMs = this.#parts.timers.nowMs();
    if (this.#source !== undefined) rehearse(this.#settings, this.#authentication, this.#source);
    this.#parts.holder.rehearse();
    this.#apply(this.#election.start(nowMs, this.#source ?? ""));
  }

  #received(packet: ReceivedPacket): void {
    const { state } = this.#election;
    if (state === "INIT" || (state === "FAULT" && !this.fencing.isConfigured)) {
      this.#counters.not_taking_part++;
      return;
    }
    const heard = this.#incoming.accept(packet, this.#source ?? "");
    if (heard === undefined) return;
    this.fencing.end();
    this.#apply(this.#election.advert(this.#parts.timers.nowMs(), heard));
  }

  #wake(): void {
    this.#armedForMs = undefined;
    const { deadlineMs } = this.#election;
    if (deadlineMs !== undefined) {
      this.#maxLateMs = Math.max(this.#maxLateMs, this.#parts.timers.nowMs() - deadlineMs);
    }
    // What was sent to us while nobody looked comes first: a master that is alive has no successor.
    this.#transport?.drain();
    this.#apply(this.#election.timer(this.#parts.timers.nowMs()));
    this.#warnings.tick();
  }

  #arm(): void {
    const { deadlineMs } = this.#election;
    if (deadlineMs === this.#armedForMs) return;
    this.#cancelTimer();
    this.#armedForMs = deadlineMs;
    if (deadlineMs === undefined) return;
    const { timers } = this.#parts;
    // Of a backup it fires once, when nobody serves; of a master at every advertisement.
    // Where it waits for fencing or its sync group it fires again and again, and nothing depends on the moment.
    const isExact = this.#election.state === "BACKUP" && !this.#election.isReady;
    this.#cancelTimer = timers.after(deadlineMs - timers.nowMs(), () => this.#wake(), isExact);
  }

  #apply(effects: readonly Effect[]): void {
    const advert = effects.find((effect) => effect.do === "advertise");
    // Made before anything is done: no time passes between taking the addresses and saying so.
    if (advert !== undefined && this.#source !== undefined) {
      this.#advertiser.prepare(this.#source, advert.priority);
    }
    for (const effect of effects) this.#perform(effect);
    this.#arm();
    // Who is told is another process, which wakes up: after what clients wait for.
    const isAlive = advert !== undefined && advert.priority !== PRIORITY_LEAVING;
    if (isAlive && this.#source !== undefined) this.#parts.onAlive?.();
  }

  #perform(effect: Effect): void {
    const { holder, onEvent } = this.#parts;
    switch (effect.do) {
      case "advertise":
        this.#advertise(effect.priority);
        break;
      case "acquire":
        holder.acquire(effect.isAnnouncedLater);
        break;
      case "release":
        this.#release(effect.isUrgent);
        break;
      case "hasten":
        holder.hasten();
        break;
      case "announce":
        holder.announce();
        break;
      case "report":
        this.#report(effect);
        break;
      case "fence":
        this.fencing.begin();
        break;
      case "conflict": {
        const { source, priority } = effect;
        this.#count("lower_prio_rcvd");
        this.#warn("conflict", `a second master, ${source} with priority ${priority}, was heard; we stay`);
        onEvent?.({ kind: "conflict", instance: this.name, source, priority });
        break;
      }
      case "stalled": {
        const { lateMs } = effect;
        this.#count("stalled");
        this.#warn("stalled", `this director stood still: a timer came ${Math.round(lateMs)} ms late`);
        onEvent?.({ kind: "stalled", instance: this.name, lateMs });
        break;
      }
    }
  }

  #advertise(priority: number): void {
    if (this.#source === undefined) return;
    this.#advertiser.send(this.#source, priority);
    if (priority !== PRIORITY_LEAVING) return;
    const { id, family } = this.#settings;
    this.#parts.onEvent?.({ kind: "left", instance: this.name, id, family, source: this.#source });
  }

  #release(isUrgent: boolean): void {
    const released = this.#parts.holder.release(isUrgent).then(() => {
      if (this.#releasing === released) this.#apply(this.#election.released(this.#parts.timers.nowMs()));
    });
    this.#releasing = released;
  }

  #report({ from, to, reason }: Extract<Effect, { do: "report" }>): void {
    const { onEvent, syncGroup } = this.#parts;
    const { priority } = this.#election;
    if (from === "BACKUP") this.fencing.end();
    this.#transitions++;
    this.#sinceIso = new Date().toISOString();
    this.#lastTransition = { from, to, reason, at: this.#sinceIso };
    if (to === "MASTER") this.#count("become_master");
    if (from === "MASTER") {
      this.#count("release_master");
      this.#isTakeover = false;
      this.#evaluate();
    }
    const faults = this.#faults.all;
    const why = reason === "a fault" || to === "FAULT" ? `${reason} (${faults.join("; ")})` : reason;
    const settlesGroup = syncGroup?.isSettled(to) ?? false;
    // Others wake up for it: after what has been heard meanwhile, such as that the addresses may go.
    queueMicrotask(() => {
      this.#logger.info({ from, to, reason, priority }, `vrrp ${this.name}: ${from} -> ${to}: ${why}`);
      onEvent?.({ kind: "transition", instance: this.name, from, to, reason, priority, settlesGroup });
    });
    if (to === "MASTER") syncGroup?.becameMaster(this);
    else if (from === "MASTER" && !this.#isStopping) syncGroup?.leftMaster(this);
  }

  /** Brings tracking into the election. */
  #evaluate(): void {
    const { priority, faults } = this.#tracking.outcome();
    const wanted = this.#isTakeover ? Math.max(priority, TAKEOVER_PRIORITY) : priority;
    if (wanted !== this.#election.priority) {
      this.#logger.info(
        { from: this.#election.priority, to: wanted },
        `vrrp ${this.name}: priority ${wanted}`,
      );
      this.#apply(this.#election.setPriority(this.#parts.timers.nowMs(), wanted));
    }
    if (this.#faults.setTracked(faults)) this.#faultsChanged(false);
  }

  #faultsChanged(isPolite: boolean): void {
    const nowMs = this.#parts.timers.nowMs();
    const { all } = this.#faults;
    this.#apply(all.length > 0 ? this.#election.fault(nowMs, isPolite) : this.#election.ok(nowMs));
    this.#parts.syncGroup?.faultsChanged();
  }

  #count(name: CounterName): void {
    this.#counters[name]++;
  }

  #warn(key: string, message: string): void {
    this.#warnings.warn(key, () => ({ fields: { reason: key }, message: `vrrp ${this.name}: ${message}` }));
  }
}
