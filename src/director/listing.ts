/**
 * The table as text, as ipvsadm lists it: what the record says of services and realservers, with what the forwarders count.
 * A listing of ten thousand realservers is made in milliseconds, because the text of what a service and its realservers are
 * set to is kept until that changes, and only what is counted is written anew.
 */
import { numericText } from "../control/ipvsadm/labels.js";
import { headerBytesOf, LAYOUTS, type Layout, VERSION_LINE } from "../control/ipvsadm/layouts.js";
import { sortServers, sortServices } from "../control/ipvsadm/order.js";
import type { ListingChoice } from "../control/operations.js";
import { type Realserver, realserverKey, serviceKey, type VirtualService } from "../core/model.js";
import { type Figures, NO_LAYOUT, type Layout as Places } from "../forwarder/figures.js";

/** The place of what no forwarder counts. */
const NOWHERE = -1;

/** As many as the widest row has. */
const ZEROS = [0, 0, 0, 0, 0];

/** A service and its realservers in a listing's order: the text of what they are set to, and their places in the figures. */
interface ListedService {
  readonly service: VirtualService;
  readonly head: string;
  readonly place: number;
  readonly heads: readonly string[];
  readonly places: readonly number[];
}

interface Page {
  readonly services: readonly VirtualService[];
  readonly places: Places;
  /** By serviceKey, in the listing's order. */
  readonly listed: ReadonlyMap<string, ListedService>;
}

/** Writer of listings. */
export class Listing {
  /** By format and order: two of each at most. */
  readonly #pages = new Map<string, Page>();

  /**
   * @param services with the weights that are in effect; the same array as long as nothing has changed
   * @param figures of the kind that the format shows; undefined: it shows none, or there is no forwarder
   */
  text(services: readonly VirtualService[], figures: Figures | undefined, choice: ListingChoice): string {
    const layout = LAYOUTS[choice.format];
    const lines = [choice.format === "save" ? "" : VERSION_LINE, layout.title];
    for (const listed of this.#page(services, figures?.layout ?? NO_LAYOUT, choice).values()) {
      writeService(lines, listed, layout, figures, choice.exact);
    }
    return lines.join("");
  }

  #page(
    services: readonly VirtualService[],
    places: Places,
    { format, sorted }: ListingChoice,
  ): ReadonlyMap<string, ListedService> {
    const name = `${format} ${sorted}`;
    const kept = this.#pages.get(name);
    if (kept?.services === services && kept.places === places) return kept.listed;
    const before = kept?.places === places ? kept.listed : undefined;
    const listed = new Map<string, ListedService>();
    for (const service of sorted ? sortServices(services) : services) {
      const key = serviceKey(service.id);
      const same = before?.get(key);
      if (same !== undefined && isUnchanged(same.service, service)) listed.set(key, same);
      else listed.set(key, listService(service, key, LAYOUTS[format], places, sorted));
    }
    this.#pages.set(name, { services, places, listed });
    return listed;
  }
}

/** The record replaces what it changes: what is the same object has not changed. */
function isUnchanged(before: VirtualService, now: VirtualService): boolean {
  const { realservers } = before;
  return (
    before.settings === now.settings &&
    realservers.length === now.realservers.length &&
    realservers.every((server, i) => server === now.realservers[i])
  );
}

function listService(
  service: VirtualService,
  key: string,
  layout: Layout,
  places: Places,
  sorted: boolean,
): ListedService {
  const { id, settings, realservers } = service;
  const placeOf = (server: Realserver): number => places.placeOf(key, realserverKey(server)) ?? NOWHERE;
  const servers = sorted ? sortServers(realservers) : inForwardersOrder(realservers, placeOf);
  return {
    service,
    head: layout.service(id, settings, numericText),
    place: places.placeOf(key) ?? NOWHERE,
    heads: servers.map((server) => layout.server(server, id, numericText)),
    places: servers.map(placeOf),
  };
}

/** Those that the forwarder does not have, because health has taken them out, come last; newest first. */
function inForwardersOrder(
  servers: readonly Realserver[],
  placeOf: (server: Realserver) => number,
): readonly Realserver[] {
  const newestFirst = servers.map((server) => ({ server, place: placeOf(server) })).reverse();
  const absent = newestFirst.filter(({ place }) => place === NOWHERE);
  const present = newestFirst.filter(({ place }) => place !== NOWHERE).sort((a, b) => a.place - b.place);
  return [...present, ...absent].map(({ server }) => server);
}

function writeService(
  lines: string[],
  { service: { id }, head, place, heads, places }: ListedService,
  { serviceNumbers, serverNumbers }: Layout,
  figures: Figures | undefined,
  exact: boolean,
): void {
  const style = { exact, headerBytes: headerBytesOf(id) };
  const { values = ZEROS, width = 0 } = figures ?? {};
  const none = `${serverNumbers?.(ZEROS, 0, style) ?? ""}\n`;
  const numbers =
    place === NOWHERE ? serviceNumbers?.(ZEROS, 0, style) : serviceNumbers?.(values, place * width, style);
  lines.push(head, numbers ?? "", "\n");
  for (let i = 0; i < heads.length; i++) {
    const at = places[i] * width;
    const isCounted = serverNumbers !== undefined && at >= 0 && isAnyCounted(values, at, width);
    lines.push(heads[i], isCounted ? `${serverNumbers(values, at, style)}\n` : none);
  }
}

/** Most realservers of a large table have nothing to count: theirs need not be written out each time. */
function isAnyCounted(values: ArrayLike<number>, at: number, width: number): boolean {
  for (let column = 0; column < width; column++) if (values[at + column] !== 0) return true;
  return false;
}
