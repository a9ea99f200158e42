/** The schedulers by number and by name. The number is what the service column keeps. */
import { dh } from "./dh.js";
import { fo } from "./fo.js";
import { lblc } from "./lblc.js";
import { lblcr } from "./lblcr.js";
import { lc } from "./lc.js";
import { mh } from "./mh.js";
import { nq } from "./nq.js";
import { ovf } from "./ovf.js";
import { rr } from "./rr.js";
import type { Scheduler } from "./scheduler.js";
import { sed } from "./sed.js";
import { sh } from "./sh.js";
import { twos } from "./twos.js";
import { wlc } from "./wlc.js";
import { wrr } from "./wrr.js";

/** All schedulers, in the order of ipvsadm's help, then those it does not list. */
export const SCHEDULERS: readonly Scheduler[] = [
  rr,
  wrr,
  lc,
  wlc,
  lblc,
  lblcr,
  dh,
  sh,
  sed,
  nq,
  fo,
  ovf,
  mh,
  twos,
];

/** The names, for messages: `rr, wrr, lc, ...`. */
export const SCHEDULER_NAMES: readonly string[] = SCHEDULERS.map((scheduler) => scheduler.name);

/** The number of a scheduler, or -1 where the name is unknown. */
export function schedulerNumber(name: string): number {
  return SCHEDULER_NAMES.indexOf(name);
}
