/**
 * Where connection records end up: the rings of all threads are emptied into the durations of the realservers, the access
 * log, and warnings about connections that could not be served. Runs in the forwarder's main thread; a thread whose ring
 * is full counts and drops (`recordsDropped`), it never waits for this.
 */
import { formatEndpoint, formatIp } from "../core/address.js";
import type { Clock } from "../core/clock.js";
import { Verdict } from "../core/dispatch.js";
import type { Logger } from "../core/logger.js";
import {
  drainRecords,
  END_REASON_NAMES,
  EndReason,
  type EndReasonName,
  RecordField,
  type RecordRing,
} from "../dataplane/records.js";
import type { AccessLog, AccessRecord } from "../metrics/access-log.js";
import type { Durations } from "../metrics/durations.js";
import { RateLimitedLog, type Warning } from "../metrics/rate-limited-log.js";

/** What slots are called; also slots whose service or realserver was deleted meanwhile. */
export interface SlotNames {
  /** `tcp://192.0.2.1:80`, for fields of records. */
  serviceKey(slot: number): string;
  /** As the kernel logs it: `TCP 192.0.2.1:80`, for sentences. */
  serviceText(slot: number): string;
  serverText(slot: number): string;
  /** Name of the service's scheduler. */
  scheduler(slot: number): string;
}

/** Is told of connections that were established and have ended. */
export interface PassiveObserver {
  /** @param wentWell false: reset by the realserver before its first byte */
  ended(server: number, wentWell: boolean): void;
}

/** What a sink is constructed with. */
export interface RecordSinkOptions {
  /** One ring a thread. */
  readonly rings: readonly RecordRing[];
  readonly names: SlotNames;
  readonly durations: Durations;
  /** Is told how each connection that was established has ended. */
  readonly passive?: PassiveObserver;
  readonly accessLog: AccessLog | undefined;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Reader of the record rings. */
export class RecordSink {
  readonly #rings: readonly RecordRing[];
  readonly #names: SlotNames;
  readonly #durations: Durations;
  readonly #passive: PassiveObserver | undefined;
  readonly #accessLog: AccessLog | undefined;
  readonly #warnings: RateLimitedLog;
  #droppedBefore = 0;
  #failureBefore: string | undefined;

  constructor({ rings, names, durations, passive, accessLog, logger, clock }: RecordSinkOptions) {
    this.#rings = rings;
    this.#names = names;
    this.#durations = durations;
    this.#passive = passive;
    this.#accessLog = accessLog;
    this.#warnings = new RateLimitedLog(logger, clock);
  }

  /** Takes what has come since the last call. Call it about every 100 ms, and once when the planes have stopped. */
  drain(): void {
    for (const ring of this.#rings) drainRecords(ring, this.#take);
    this.#watchAccessLog();
    this.#warnings.tick();
  }

  /** The last `drain`: warnings that were held back are logged too. */
  finish(): void {
    this.drain();
    this.#warnings.flush();
  }

  readonly #take = (records: Float64Array, index: number): void => {
    const server = records[index + RecordField.server];
    const connectMs = records[index + RecordField.connectMs];
    if (server >= 0 && connectMs >= 0) {
      this.#durations.record(server, connectMs, records[index + RecordField.sessionMs]);
      const isReset = records[index + RecordField.end] === EndReason.realserverReset;
      this.#passive?.ended(server, !isReset || records[index + RecordField.outBytes] > 0);
    }
    this.#accessLog?.write(this.#accessRecord(records, index));
    this.#warnOf(records, index);
  };

  #accessRecord(records: Float64Array, index: number): AccessRecord {
    const field = (offset: number): number => records[index + offset];
    const connectMs = field(RecordField.connectMs);
    return {
      time: new Date(field(RecordField.startMs)).toISOString(),
      client: endpointText(records, index, RecordField.client, RecordField.clientPort),
      vip: endpointText(records, index, RecordField.destination, RecordField.destinationPort),
      service: this.#names.serviceKey(field(RecordField.service)),
      realserver: this.#realserverText(field(RecordField.server)),
      inBytes: field(RecordField.inBytes),
      outBytes: field(RecordField.outBytes),
      connectMs: connectMs < 0 ? null : toMicroseconds(connectMs),
      sessionMs: toMicroseconds(field(RecordField.sessionMs)),
      end: END_REASON_NAMES[field(RecordField.end)],
      retries: field(RecordField.retries),
    };
  }

  #realserverText(server: number): string | null {
    if (server >= 0) return this.#names.serverText(server);
    return server === Verdict.SORRY ? "sorry" : null;
  }

  #warnOf(records: Float64Array, index: number): void {
    const service = records[index + RecordField.service];
    const server = records[index + RecordField.server];
    switch (records[index + RecordField.end]) {
      case EndReason.noServer:
        // A service that is just being deleted lacks no realserver.
        if (server === Verdict.NO_SERVICE) break;
        // The kernel's words (ip_vs_scheduler_err, ip_vs_sched.c), which people's log filters know.
        this.#warn(
          "noServer",
          service,
          (text) => `${this.#names.scheduler(service)}: ${text} - no destination available`,
        );
        break;
      case EndReason.serviceLimit:
        this.#warn("serviceLimit", service, (text) => `${text}: at its limit of connections, client reset`);
        break;
      case EndReason.sourceLimit:
        this.#warnOfClient("sourceLimit", records, index, "is at its limit of connections");
        break;
      case EndReason.proxyHeaderMissing:
        this.#warnOfClient("proxyHeaderMissing", records, index, "sent no PROXY protocol header");
        break;
      case EndReason.proxyHeaderInvalid:
        this.#warnOfClient("proxyHeaderInvalid", records, index, "sent a broken PROXY protocol header");
        break;
      case EndReason.proxyHeaderTimeout:
        this.#warnOfClient(
          "proxyHeaderTimeout",
          records,
          index,
          "sent no whole PROXY protocol header in time",
        );
        break;
      case EndReason.proxyRefused:
        this.#warnOfClient("proxyRefused", records, index, "is no trusted proxy");
        break;
      case EndReason.connectFailed: {
        const realserver = this.#realserverText(server);
        const last = realserver === null ? "any realserver" : `realserver ${realserver}`;
        this.#warn(
          "connectFailed",
          service,
          (text) => `${text}: cannot connect to ${last}, client reset`,
          server,
        );
        break;
      }
    }
  }

  /** @param what the client did or is, after its address in the sentence */
  #warnOfClient(reason: EndReasonName, records: Float64Array, index: number, what: string): void {
    this.#warn(reason, records[index + RecordField.service], (text) => {
      const client = formatAddress(records, index, RecordField.client);
      return `${text}: ${client} ${what}, client reset`;
    });
  }

  #warn(reason: string, service: number, sentence: (serviceText: string) => string, server?: number): void {
    this.#warnings.warn(`${reason} ${service} ${server ?? ""}`, () => {
      const realserver = server === undefined ? null : this.#realserverText(server);
      const fields = {
        reason,
        service: this.#names.serviceKey(service),
        ...(realserver !== null && { realserver }),
      };
      return { fields, message: sentence(this.#names.serviceText(service)) };
    });
  }

  #watchAccessLog(): void {
    if (this.#accessLog === undefined) return;
    const { dropped, failure } = this.#accessLog;
    if (failure !== undefined && failure !== this.#failureBefore) {
      this.#warnings.warn(`accessLogFailed ${failure}`, () => ({
        fields: { reason: "accessLogFailed", errno: failure },
        message: `access log: write ${failure}; until this is mended records are kept in memory, then dropped`,
      }));
    }
    this.#failureBefore = failure;
    const lost = dropped - this.#droppedBefore;
    if (lost === 0) return;
    this.#droppedBefore = dropped;
    const describe = (): Warning => ({
      fields: { reason: "accessLogDropped", dropped: lost },
      message: `access log: ${lost} records dropped, the disk or reader is too slow`,
    });
    this.#warnings.warn("accessLogDropped", describe, lost);
  }
}

function formatAddress(records: Float64Array, index: number, offset: number): string {
  const at = index + offset;
  const family = records[index + RecordField.family];
  return formatIp(family, records[at], records[at + 1], records[at + 2], records[at + 3]);
}

function endpointText(records: Float64Array, index: number, address: number, port: number): string {
  return formatEndpoint({ address: formatAddress(records, index, address), port: records[index + port] });
}

/** Rounded to a thousandth of a millisecond. */
function toMicroseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
