/** ldirectord's time-outs, which stand in for one another (reference §2.3). Seconds. */

/** Time-outs as written in a section or globally; undefined where they are not. */
export interface WrittenTimeouts {
  readonly check?: number;
  readonly negotiate?: number;
}

const DEFAULT_CHECK_SEC = 5;
const DEFAULT_NEGOTIATE_SEC = 30;

/** The time-outs of a virtual service: its own of either kind, else the global ones of either kind, else the defaults. */
export function ldirectordTimeouts(
  own: WrittenTimeouts,
  global: WrittenTimeouts,
): { check: number; negotiate: number } {
  return {
    check: own.check ?? own.negotiate ?? global.check ?? global.negotiate ?? DEFAULT_CHECK_SEC,
    negotiate: own.negotiate ?? own.check ?? global.negotiate ?? global.check ?? DEFAULT_NEGOTIATE_SEC,
  };
}
