/**
 * The state machine of a virtual router (RFC 9568 §6.4, RFC 5798 §6.4, keepalived's FAULT; reference: ha.md §3.3). Pure: it
 * is told what happened and at what time, and answers with what is to be done; `deadlineMs` says when it wants `timer`.
 *
 * Beyond the RFCs:
 * - A master that yields to a better one advertises a last time, so that the better one knows that it was not alone and
 *   announces the addresses again (ha.md §4.4).
 * - Whoever takes over from a master that lives takes the addresses first and advertises then: that master goes on serving
 *   until it hears of it, and clients meet somebody at any moment. It advertises again when it has announced them, as it does
 *   where it answers a master that yields: who yields keeps the addresses until then, or for a while.
 * - A master that leaves goes on advertising until its addresses are removed, and only then sends priority 0.
 * - A master that was itself stalled for so long that a backup may have taken over listens before it sends anything. If
 *   another master advertised meanwhile, it yields in silence, whatever the priorities.
 * - A master that was lost without a word is fenced first, where that is configured; nothing is sent or taken before.
 */
import { compareAddresses } from "../address-bytes.js";
import { PRIORITY_LEAVING, PRIORITY_OWNER, type Version } from "./codec.js";
import type { Effect, ElectionState, TransitionReason } from "./effects.js";
import { downMs, type IntervalParts, skewMs } from "./intervals.js";
import { LastMaster, type LostMaster } from "./last-master.js";

/** What an election is made with. */
export interface ElectionSettings {
  readonly version: Version;
  /** Effective priority at the start, 1 to 255. */
  readonly priority: number;
  readonly advertMs: number;
  /** Advertisements that a master may miss. @default 3 */
  readonly deadAdverts?: number;
  /** Whether a higher priority takes over from a living master. @default true */
  readonly preempt?: boolean;
  /** How long a lower master is left alone first. @default 0 */
  readonly preemptDelayMs?: number;
  /** The last advertisement of a master that yields. @default true */
  readonly lastAdvert?: boolean;
  /** Asked when the down timer has run out: whether the other members of a sync group would go along. @default alone */
  readonly mayBecomeMaster?: () => boolean;
  /** Asked after that: whether a master was lost, here or in the sync group, that is to be fenced first. @default never */
  readonly mustFence?: (nowMs: number) => boolean;
  /** What is known of the master where this election goes on for another one. @default nothing */
  readonly lastMaster?: LastMaster;
}

/** What an election looks at in an accepted advertisement. */
export interface HeardAdvert {
  readonly source: string;
  readonly priority: number;
  readonly intervalMs: number;
}

/** The master that a backup follows. */
export interface KnownMaster {
  readonly source: string;
  readonly priority: number;
  readonly heardMs: number;
}

/** Signs of a second master within so long are of the same one: it is answered once, and announced to clients twice. */
const CONFLICT_INTERVAL_MS = 100;
/** A backup's timer that is late by more than this, and by more than an interval, proves nothing about the master. */
const BACKUP_LATE_MS = 100;
const BEST_BACKUP_PRIORITY = 254;

/** See the file's head. Every method but the getters returns what is to be done, in order. */
export class Election {
  readonly #version: Version;
  readonly #advertMs: number;
  readonly #deadAdverts: number;
  readonly #preempt: boolean;
  readonly #preemptDelayMs: number;
  readonly #lastAdvert: boolean;
  readonly #mayBecomeMaster: () => boolean;
  readonly #mustFence: (nowMs: number) => boolean;
  /** Carried on by a successor. */
  readonly lastMaster: LastMaster;

  #state: ElectionState = "INIT";
  #priority: number;
  #source = "";
  #hasFault = false;
  #deadlineMs: number | undefined;
  #masterIntervalMs: number;
  #master: KnownMaster | undefined;
  /** Lower masters are left alone until then. */
  #preemptAtMs: number | undefined;
  /** The down timer has run out, and the sync group has not agreed yet. */
  #isReady = false;
  /** A master that has to leave, once its addresses are removed. */
  #leavingFor: "INIT" | "FAULT" | undefined;
  #isListening = false;
  #answeredMs = Number.NEGATIVE_INFINITY;
  #isAnswerLeft = false;
  #isLeaverGone = false;
  /** It has made room for a better master, which has not said again that it is there. */
  #hasYielded = false;
  /** When a master that has not left was heard, followed or not. */
  #masterHeardMs = Number.NEGATIVE_INFINITY;

  constructor(settings: ElectionSettings) {
    this.#version = settings.version;
    this.#advertMs = settings.advertMs;
    this.#masterIntervalMs = settings.advertMs;
    this.#priority = settings.priority;
    this.#deadAdverts = settings.deadAdverts ?? 3;
    this.#preempt = settings.preempt ?? true;
    this.#preemptDelayMs = settings.preemptDelayMs ?? 0;
    this.#lastAdvert = settings.lastAdvert ?? true;
    this.#mayBecomeMaster = settings.mayBecomeMaster ?? (() => true);
    this.#mustFence = settings.mustFence ?? (() => false);
    this.lastMaster = settings.lastMaster ?? new LastMaster();
  }

  get state(): ElectionState {
    return this.#state;
  }

  /** When `timer` is due; undefined: never. */
  get deadlineMs(): number | undefined {
    return this.#deadlineMs;
  }

  /** Effective priority. */
  get priority(): number {
    return this.#priority;
  }

  /** Of a backup: whom it follows; of a master: the second master that it heard last. */
  get master(): KnownMaster | undefined {
    return this.#master;
  }

  /** Whether it would become master if its sync group agreed, and once who was lost is fenced. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Whether it is a master that is about to leave. */
  get isLeaving(): boolean {
    return this.#leavingFor !== undefined;
  }

  /** Whether it is a master that woke from a stall, and has not heard enough yet to go on. */
  get isListening(): boolean {
    return this.#isListening;
  }

  /** The interval that the down timer follows. */
  get masterIntervalMs(): number {
    return this.#masterIntervalMs;
  }

  /** Time without an advertisement after which this instance takes over. */
  get downMs(): number {
    return downMs(this.#parts());
  }

  /** How long after its last advertisement no backup, however high its priority, takes over from this director. */
  get silenceMs(): number {
    return this.#deadAdverts * this.#advertMs;
  }

  /** The master that fell silent without a word; undefined: none did. */
  lost(nowMs: number): LostMaster | undefined {
    return this.lastMaster.lost(nowMs, this.#deadAdverts * this.#masterIntervalMs);
  }

  /**
   * INIT: begins.
   * @param source the address that our advertisements are sent from
   * @param isSuccessor goes on for a master whose settings have changed
   */
  start(nowMs: number, source: string, isSuccessor = false): Effect[] {
    if (this.#state !== "INIT") return [];
    this.#source = source;
    if (isSuccessor) return this.#becomeMaster(nowMs, "its configuration has changed");
    if (this.#hasFault) return this.#enter("FAULT", "started with a fault");
    if (this.#priority === PRIORITY_OWNER) {
      return this.#becomeMaster(nowMs, "started as the owner of the addresses");
    }
    return this.#becomeBackup(nowMs, "started");
  }

  /** Ends: a master leaves politely. */
  stop(nowMs: number): Effect[] {
    this.lastMaster.forget();
    if (this.#state === "MASTER") return this.#leave(nowMs, "INIT", false);
    this.#deadlineMs = undefined;
    return this.#enter("INIT", "stopped");
  }

  /** The resource group was released, as asked for. */
  released(nowMs: number): Effect[] {
    const target = this.#leavingFor;
    if (target === undefined) return [];
    // Who has been stalled does not know whose mastership it would end.
    const farewell: Effect[] = this.#isListening ? [] : [{ do: "advertise", priority: PRIORITY_LEAVING }];
    this.#isListening = false;
    return [...farewell, ...this.#settle(nowMs, target, target === "INIT" ? "stopped" : "a fault")];
  }

  /** The source address has changed: ties are settled by the new one. */
  setSource(source: string): void {
    this.#source = source;
  }

  /** The effective priority has changed; a running down timer moves by the difference of the two skews. */
  setPriority(_nowMs: number, priority: number): Effect[] {
    const before = skewMs(this.#parts());
    this.#priority = priority;
    if (this.#state === "BACKUP" && this.#deadlineMs !== undefined) {
      this.#deadlineMs += skewMs(this.#parts()) - before;
    }
    return [];
  }

  /**
   * Something without which this director must not be master has failed.
   * @param isPolite the resources are stopped in order before the addresses go, as when the operator asked for it
   */
  fault(nowMs: number, isPolite = false): Effect[] {
    this.#hasFault = true;
    switch (this.#state) {
      case "MASTER":
        return this.#leavingFor === undefined ? this.#leave(nowMs, "FAULT", !isPolite) : [];
      case "BACKUP":
        this.#deadlineMs = undefined;
        return this.#enter("FAULT", "a fault");
      default:
        return [];
    }
  }

  /** All of it works again. */
  ok(nowMs: number): Effect[] {
    this.#hasFault = false;
    if (this.#leavingFor === "FAULT") return [];
    return this.#state === "FAULT" ? this.#becomeBackup(nowMs, "all faults are gone") : [];
  }

  /** The deadline has passed. Whatever lies in the sockets must have been handed to `advert` before. */
  timer(nowMs: number): Effect[] {
    if (this.#deadlineMs === undefined || nowMs < this.#deadlineMs) return [];
    return this.#state === "MASTER" ? this.#masterTimer(nowMs) : this.#downTimer(nowMs);
  }

  /** Who was lost is fenced: it takes over without waiting any longer. */
  fenced(nowMs: number): Effect[] {
    return this.#state === "BACKUP" && this.#isReady
      ? this.#takeOver(nowMs, "the lost master is fenced")
      : [];
  }

  /** An advertisement was accepted. Who has a fault takes no part, and notes who is master all the same. */
  advert(nowMs: number, heard: HeardAdvert): Effect[] {
    const effects = this.#heard(nowMs, heard);
    if (this.#state !== "MASTER") this.lastMaster.heard(nowMs, heard);
    return effects;
  }

  #heard(nowMs: number, heard: HeardAdvert): Effect[] {
    switch (this.#state) {
      case "BACKUP":
        return this.#heardAsBackup(nowMs, heard);
      case "MASTER":
        return this.#heardAsMaster(nowMs, heard);
      default:
        return [];
    }
  }

  /** Becomes master without waiting: the sync group did, or the operator wants it. */
  forceMaster(nowMs: number, reason: TransitionReason): Effect[] {
    return this.#state === "BACKUP" ? this.#becomeMaster(nowMs, reason) : [];
  }

  /** Becomes backup, as its sync group did. */
  forceBackup(nowMs: number, reason: TransitionReason): Effect[] {
    if (this.#state !== "MASTER" || this.#leavingFor !== undefined) return [];
    this.#deadlineMs = nowMs + this.downMs;
    return this.#yield(nowMs, reason, this.#lastAdvert);
  }

  #masterTimer(nowMs: number): Effect[] {
    const lateMs = nowMs - (this.#deadlineMs ?? nowMs);
    const isStalled = this.#isStalled(lateMs);
    if (!isStalled && !this.#isListening) return this.#advertise(nowMs, lateMs);
    const stalled: Effect[] = isStalled ? [{ do: "stalled", lateMs }] : [];
    // Nothing was heard. In a short stall the sockets have kept all that was sent, so nobody has taken over. After a long
    // one any backup has, unless there is none or the packets were lost because the whole machine stood still.
    if (isStalled && (this.#isListening || lateMs > this.#deadAdverts * this.#advertMs)) {
      this.#isListening = true;
      this.#deadlineMs = nowMs + this.#advertMs;
      return stalled;
    }
    this.#isListening = false;
    // The guardian may have taken the addresses off meanwhile.
    return [...stalled, ...this.#advertise(nowMs), { do: "acquire" }];
  }

  #downTimer(nowMs: number): Effect[] {
    const lateMs = nowMs - (this.#deadlineMs ?? nowMs);
    if (lateMs > Math.max(this.#masterIntervalMs, BACKUP_LATE_MS)) {
      this.#deadlineMs = nowMs + this.downMs;
      return [{ do: "stalled", lateMs }];
    }
    this.#isReady = true;
    this.#deadlineMs = nowMs + this.downMs;
    return this.#takeOver(nowMs, this.#isLeaverGone ? "the master has left" : "no master was heard");
  }

  /** Becomes master, unless something has to happen first: then it asks again when the timer runs out again. */
  #takeOver(nowMs: number, reason: TransitionReason): Effect[] {
    if (!this.#mayBecomeMaster()) return [];
    return this.#mustFence(nowMs) ? [{ do: "fence" }] : this.#becomeMaster(nowMs, reason);
  }

  #heardAsBackup(nowMs: number, heard: HeardAdvert): Effect[] {
    if (heard.priority === PRIORITY_LEAVING) {
      this.#isLeaverGone = true;
      this.#masterHeardMs = Number.NEGATIVE_INFINITY;
      this.#deadlineMs = nowMs + skewMs(this.#parts());
      return [];
    }
    this.#masterHeardMs = nowMs;
    if (heard.priority < this.#priority && this.#preempt) {
      if (!this.#isPreemptionDelayed(nowMs)) return [];
    } else {
      this.#preemptAtMs = undefined;
    }
    const hasAnnounced = this.#hasYielded && (this.#master?.source ?? heard.source) === heard.source;
    this.#hasYielded &&= !hasAnnounced;
    this.#follow(nowMs, heard);
    return hasAnnounced ? [{ do: "hasten" }] : [];
  }

  #heardAsMaster(nowMs: number, heard: HeardAdvert): Effect[] {
    const lateMs = nowMs - (this.#deadlineMs ?? nowMs);
    if (heard.priority !== PRIORITY_LEAVING) {
      if (this.#isListening) return this.#replaced(nowMs, heard);
      if (this.#isStalled(lateMs)) return [{ do: "stalled", lateMs }, ...this.#replaced(nowMs, heard)];
    } else if (this.#isListening || this.#isStalled(lateMs)) {
      return [];
    }
    if (this.#isBetter(heard)) {
      this.#follow(nowMs, heard);
      return this.#yield(nowMs, "a better master advertises", this.#lastAdvert);
    }
    if (heard.priority === PRIORITY_LEAVING) return this.#advertise(nowMs);
    this.#master = { source: heard.source, priority: heard.priority, heardMs: nowMs };
    if (nowMs - this.#answeredMs < CONFLICT_INTERVAL_MS) {
      // Most likely what it says as it yields: it may have announced the addresses since our first answer.
      if (!this.#isAnswerLeft) return [];
      this.#isAnswerLeft = false;
      return [{ do: "announce" }, { do: "advertise", priority: this.#priority }];
    }
    this.#answeredMs = nowMs;
    this.#isAnswerLeft = true;
    const { source, priority } = heard;
    // Clients first: the other one may have yielded already.
    return [{ do: "announce" }, ...this.#advertise(nowMs), { do: "conflict", source, priority }];
  }

  /** Whether somebody who is not stalled would have become master since our last advertisement. */
  #isStalled(lateMs: number): boolean {
    const skew = skewMs({
      ...this.#parts(),
      priority: BEST_BACKUP_PRIORITY,
      masterIntervalMs: this.#advertMs,
    });
    return lateMs > (this.#deadAdverts - 1) * this.#advertMs + skew;
  }

  #isBetter({ priority, source }: HeardAdvert): boolean {
    return (
      priority > this.#priority || (priority === this.#priority && compareAddresses(source, this.#source) > 0)
    );
  }

  #isPreemptionDelayed(nowMs: number): boolean {
    this.#preemptAtMs ??= nowMs + this.#preemptDelayMs;
    return nowMs < this.#preemptAtMs;
  }

  #replaced(nowMs: number, heard: HeardAdvert): Effect[] {
    this.#follow(nowMs, heard);
    return this.#yield(nowMs, "another master advertised while this director was stalled", false);
  }

  #follow(nowMs: number, { source, priority, intervalMs }: HeardAdvert): void {
    // With version 2 it is ours, or the packet was dropped.
    this.#masterIntervalMs = intervalMs;
    this.#master = { source, priority, heardMs: nowMs };
    this.#isReady = false;
    this.#isLeaverGone = false;
    this.#deadlineMs = nowMs + this.downMs;
  }

  #becomeMaster(nowMs: number, reason: TransitionReason): Effect[] {
    const isMasterAlive = nowMs - this.#masterHeardMs < this.downMs;
    this.lastMaster.forget();
    this.#masterIntervalMs = this.#advertMs;
    this.#master = undefined;
    this.#isReady = false;
    this.#preemptAtMs = undefined;
    this.#hasYielded = false;
    this.#isListening = false;
    this.#deadlineMs = nowMs;
    const advertise = this.#advertise(nowMs);
    // It yields with a last advertisement, which needs no answer.
    if (isMasterAlive) {
      this.#answeredMs = nowMs;
      this.#isAnswerLeft = false;
    }
    // Before other backups, who might take over too, where nobody serves. Where somebody does, after the address, so that clients
    // are always served, and before its announcement, so that two have it for as short a time as can be; and once more when
    // clients have been told, which is what the other one waits for.
    const begin: Effect[] = isMasterAlive
      ? [{ do: "acquire", isAnnouncedLater: true }, ...advertise, { do: "announce" }, ...advertise]
      : [...advertise, { do: "acquire" }];
    return [...begin, ...this.#enter("MASTER", reason)];
  }

  #becomeBackup(nowMs: number, reason: TransitionReason): Effect[] {
    this.#masterHeardMs = Number.NEGATIVE_INFINITY;
    this.#masterIntervalMs = this.#advertMs;
    this.#master = undefined;
    this.#isReady = false;
    this.#isLeaverGone = false;
    this.#preemptAtMs = undefined;
    this.#deadlineMs = nowMs + this.downMs;
    return this.#enter("BACKUP", reason);
  }

  /** MASTER to BACKUP, or to where a leaving master goes. Whoever calls has set the down timer. */
  #yield(nowMs: number, reason: TransitionReason, withLastAdvert: boolean): Effect[] {
    const target = this.#leavingFor;
    this.#isListening = false;
    this.#preemptAtMs = undefined;
    this.#hasYielded = true;
    const last: Effect[] = withLastAdvert ? [{ do: "advertise", priority: this.#priority }] : [];
    return [
      ...last,
      { do: "release", isUrgent: true },
      ...(target === undefined ? this.#enter("BACKUP", reason) : this.#settle(nowMs, target, reason)),
    ];
  }

  /** A leaving master has left. The fault for which it did so may be gone by now. */
  #settle(nowMs: number, target: "INIT" | "FAULT", reason: TransitionReason): Effect[] {
    this.#leavingFor = undefined;
    if (target === "FAULT" && !this.#hasFault) return this.#becomeBackup(nowMs, reason);
    this.#deadlineMs = undefined;
    return this.#enter(target, reason);
  }

  #leave(nowMs: number, target: "INIT" | "FAULT", isUrgent: boolean): Effect[] {
    const isUnderWay = this.#leavingFor !== undefined;
    this.#leavingFor = target;
    if (isUnderWay) return [];
    if (!this.#isListening) this.#deadlineMs = Math.max(this.#deadlineMs ?? 0, nowMs);
    return [{ do: "release", isUrgent }];
  }

  /** Advertises, and the next time an interval later; without drift where the timer was only a little late. */
  #advertise(nowMs: number, lateMs = 0): Effect[] {
    this.#deadlineMs = nowMs + this.#advertMs - (lateMs < this.#advertMs ? lateMs : 0);
    return [{ do: "advertise", priority: this.#priority }];
  }

  #enter(to: ElectionState, reason: TransitionReason): Effect[] {
    const from = this.#state;
    this.#state = to;
    if (from === to) return [];
    return [{ do: "report", from, to, reason }];
  }

  #parts(): IntervalParts {
    return {
      version: this.#version,
      priority: this.#priority,
      masterIntervalMs: this.#masterIntervalMs,
      deadAdverts: this.#deadAdverts,
    };
  }
}
