/** What `uvs doctor` says of a director and its host. */

/** ok: as it should be; note: worth knowing; warn: may keep clients from being served; fail: does keep them from it. */
export type FindingState = "ok" | "note" | "warn" | "fail";

/** One thing that was looked at. */
export interface Finding {
  readonly state: FindingState;
  /** What was looked at: `capabilities`, `vip 10.0.0.1`. */
  readonly subject: string;
  readonly found: string;
  /** What to do, with a command where there is one. @default nothing has to be done */
  readonly advice?: string;
}

/** One rule or route that the director has made in the kernel. */
export interface MadeRule {
  /** As the kernel's own tools have it. */
  readonly text: string;
  /** What it is for. */
  readonly meaning: string;
  /** A command that shows it. */
  readonly shownBy: string;
  /** False: somebody has taken it away; `uvs reload` makes it again. */
  readonly isPresent: boolean;
}

/** Everything that was found. */
export interface DoctorReport {
  readonly findings: readonly Finding[];
  /** In the order in which a packet meets them; empty where nothing had to be made. */
  readonly rules: readonly MadeRule[];
}
