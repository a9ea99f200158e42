/**
 * What a guardian has to do when the director dies: a line of JSON on its standard input whenever that changes, of which the
 * last one counts. An empty line says no more than that the director lives. A pipe keeps what was written before the director died, also where the guardian is only just starting.
 */
import type { LogConfig } from "../../config/config.js";
import type { Farewell } from "../../ha/protocol.js";
import type { HeldAddress } from "../../ha/resources/held-note.js";

/** See the file's head. */
export interface Duty {
  /** Addresses to take off. */
  readonly held: readonly HeldAddress[];
  /**
   * Addresses are taken off as well when the director says nothing for so long, in milliseconds: it stands still, and others
   * take over. Absent: never.
   */
  readonly silenceMs?: number;
  /** Packets to send when it has died. */
  readonly farewells: readonly Farewell[];
  /** Path of the note to clear. */
  readonly note: string;
  readonly log: LogConfig;
}

/** The line of a duty. */
export function encodeDuty({ farewells, ...duty }: Duty): string {
  const texts = farewells.map((farewell) => ({
    ...farewell,
    message: Buffer.from(farewell.message).toString("base64"),
  }));
  return `${JSON.stringify({ ...duty, farewells: texts })}\n`;
}

/** The duty of a line, which is known to be whole. */
export function decodeDuty(line: string): Duty {
  const { farewells, ...duty } = JSON.parse(line) as Omit<Duty, "farewells"> & {
    readonly farewells: readonly (Omit<Farewell, "message"> & { readonly message: string })[];
  };
  return {
    ...duty,
    farewells: farewells.map((farewell) => ({
      ...farewell,
      message: Buffer.from(farewell.message, "base64"),
    })),
  };
}
