/** What a guardian has to do when the director dies. */
import type { LogConfig } from "../../config/config.js";
import type { Farewell } from "../../ha/protocol.js";
import type { HeldAddress } from "../../ha/resources/held-note.js";

/** Sent to the guardian whenever it changes; the last one counts. */
export interface Duty {
  /** Addresses to take off. */
  readonly held: readonly HeldAddress[];
  /** Packets to send then. */
  readonly farewells: readonly Farewell[];
  /** Path of the note to clear. */
  readonly note: string;
  readonly log: LogConfig;
}
