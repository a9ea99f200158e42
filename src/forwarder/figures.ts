/**
 * What is counted of services and realservers, on its way from a forwarder to the director. Numbers travel by place, and only
 * where they are not all zero; the names of the places travel when they have changed. Of ten thousand realservers the names
 * alone would be a megabyte of text, which both ends would make and read once a second.
 */
import type { FigureKind } from "../core/status.js";

/** How many numbers a place has: active, inactive, persistent; or connections, inPackets, outPackets, inBytes, outBytes. */
export const FIGURE_WIDTHS: Readonly<Record<FigureKind, number>> = { connections: 3, totals: 5, rates: 5 };

/** Key of a service, and those of its realservers in the kernel's order, newest first. */
export type ServiceNames = readonly [service: string, servers: readonly string[]];

/** What the director asks for. */
export interface FiguresRequest {
  readonly of: FigureKind;
  /** Number of the layout that it has the names of; 0: none. */
  readonly known: number;
}

/** A forwarder's answer. */
export interface FiguresReport {
  readonly layout: number;
  /** Absent where the asker knows this layout. */
  readonly names?: readonly ServiceNames[];
  /** Of each place that has a number but 0: the place and its numbers. */
  readonly rows: readonly number[];
}

/** Which place is whose: each service has one, those of its realservers follow it. */
export class Layout {
  readonly number: number;
  readonly services: readonly {
    readonly key: string;
    readonly place: number;
    readonly servers: readonly string[];
  }[];
  readonly size: number;
  #places: Map<string, ReadonlyMap<string, number>> | undefined;

  constructor(number: number, names: readonly ServiceNames[]) {
    let size = 0;
    this.number = number;
    this.services = names.map(([key, servers]) => {
      const place = size;
      size += 1 + servers.length;
      return { key, place, servers };
    });
    this.size = size;
  }

  /** The place of a service, or of one of its realservers. */
  placeOf(service: string, server = ""): number | undefined {
    this.#places ??= new Map(
      this.services.map(({ key, place, servers }) => [
        key,
        new Map([["", place], ...servers.map((name, i): [string, number] => [name, place + 1 + i])]),
      ]),
    );
    return this.#places.get(service)?.get(server);
  }
}

export const NO_LAYOUT = new Layout(0, []);

/** The numbers of all places. */
export class Figures {
  readonly layout: Layout;
  readonly width: number;
  /** `width` numbers of each place. */
  readonly values: Float64Array;

  /** @param rows as a FiguresReport has them */
  constructor(of: FigureKind, layout: Layout, rows: readonly number[]) {
    this.layout = layout;
    this.width = FIGURE_WIDTHS[of];
    this.values = new Float64Array(layout.size * this.width);
    for (let i = 0; i < rows.length; i += this.width + 1) {
      const at = rows[i] * this.width;
      for (let column = 0; column < this.width; column++) this.values[at + column] = rows[i + 1 + column];
    }
  }

  /** Adds the first `columns` numbers of what both have. */
  add(other: Figures, columns: number): void {
    for (const { key, place, servers } of other.layout.services) {
      const own = this.layout.placeOf(key);
      if (own === undefined) continue;
      this.#addPlace(own, other, place, columns);
      for (const [i, server] of servers.entries()) {
        const to = this.layout.placeOf(key, server);
        if (to !== undefined) this.#addPlace(to, other, place + 1 + i, columns);
      }
    }
  }

  #addPlace(to: number, other: Figures, from: number, columns: number): void {
    for (let column = 0; column < columns; column++) {
      this.values[to * this.width + column] += other.values[from * this.width + column];
    }
  }
}
