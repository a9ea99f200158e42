/**
 * The passive checking of one realserver, as people are told of it: each ejection is a failure, and the return to full
 * service a success, so that alerts after, every and at most so often mean ejections. An order of the operator or a check
 * that fails meanwhile is another matter, of which others tell.
 */
import { Alarm, type AlarmOwner } from "./alarm.js";
import type { ServiceHealth } from "./effects.js";
import type { RealserverHealth } from "./realserver-health.js";

/** What stands for the kind of the check where alerts are told one. */
const KIND = "passive";

/** Tells of the ejections of one realserver. */
export class PassiveWatch {
  readonly #alarm: Alarm;
  #service: ServiceHealth;
  #server: RealserverHealth;
  /** Ejected or on trial, and somebody was told. */
  #isOut = false;

  constructor(owner: AlarmOwner, service: ServiceHealth, server: RealserverHealth) {
    this.#alarm = new Alarm(owner);
    this.#service = service;
    this.#server = server;
    this.move(service, server);
  }

  /** The service was configured anew. */
  move(service: ServiceHealth, server: RealserverHealth): void {
    this.#service = service;
    this.#server = server;
    this.#alarm.follow(service.spec.alerts);
  }

  /** It was ejected. */
  ejected(ejectedMs: number): void {
    const reason = `ejected for ${Math.round(ejectedMs / 1000)} s: connections to it fail`;
    const oldState = this.#isOut ? "half-open" : "up";
    this.#isOut = true;
    this.#report(false, oldState, "ejected", reason);
  }

  /** Looks whether it is back; call it after each evaluation of the service. */
  look(): void {
    if (!this.#isOut || !this.#server.isPassiveOk) return;
    this.#isOut = false;
    this.#report(true, "ejected", "up", "connections to it may succeed again");
  }

  #report(isUp: boolean, oldState: string, newState: string, reason: string): void {
    if (!this.#alarm.isWanted) return;
    const { endpoint, key } = this.#server;
    const output = `${endpoint.address}\n${key}: ${reason}\n`;
    const { service } = this.#service.spec;
    this.#alarm.report(isUp, {
      service,
      realserver: endpoint,
      check: KIND,
      oldState,
      newState,
      reason,
      output,
    });
  }
}
