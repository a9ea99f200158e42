/**
 * Which clients of a service send a PROXY protocol header: networks in columns that all threads read, and how many
 * connections wait for one.
 */
import { type AcceptProxy, MAX_TRUSTED_NETWORKS } from "../core/model.js";
import { parseNetwork } from "../core/network.js";

/** What becomes of a client that is none of the proxies; NOBODY: the service has none. */
export const Others = { NOBODY: 0, PLAIN: 1, REFUSE: 2 } as const;

/** By service slot; its networks are MAX_TRUSTED_NETWORKS places, and four words each, from its slot on. */
export interface TrustedProxyColumns {
  /** Of Others. */
  readonly others: Int32Array;
  readonly timeoutMs: Int32Array;
  readonly maxHeader: Int32Array;
  /** Connections whose header has not come yet; changed with Atomics. */
  readonly waiting: Int32Array;
  readonly count: Int32Array;
  readonly family: Int32Array;
  readonly address: Uint32Array;
  readonly mask: Uint32Array;
}

/** Makes empty columns. */
export function createTrustedProxies(services: number): TrustedProxyColumns {
  const ints = (length: number) => new Int32Array(new SharedArrayBuffer(length * 4));
  const words = (length: number) => new Uint32Array(new SharedArrayBuffer(length * 4));
  return {
    others: ints(services),
    timeoutMs: ints(services),
    maxHeader: ints(services),
    waiting: ints(services),
    count: ints(services),
    family: ints(services * MAX_TRUSTED_NETWORKS),
    address: words(services * MAX_TRUSTED_NETWORKS * 4),
    mask: words(services * MAX_TRUSTED_NETWORKS * 4),
  };
}

/** Takes the settings of a service over, checked ones. The service's lock is held. */
export function writeTrustedProxies(
  columns: TrustedProxyColumns,
  service: number,
  settings: AcceptProxy | undefined,
): void {
  const from = settings?.from ?? [];
  for (const [i, text] of from.entries()) {
    const network = parseNetwork(text)!;
    const place = service * MAX_TRUSTED_NETWORKS + i;
    columns.family[place] = network.family;
    columns.address.set(network.words, place * 4);
    columns.mask.set(network.mask, place * 4);
  }
  columns.count[service] = from.length;
  columns.timeoutMs[service] = settings?.timeoutMs ?? 0;
  columns.maxHeader[service] = settings?.maxHeader ?? 0;
  const others = settings?.others === "refuse" ? Others.REFUSE : Others.PLAIN;
  columns.others[service] = settings === undefined ? Others.NOBODY : others;
}

/** Whether an address is one of a service's proxies. The service's lock is held. Hot path. */
export function isTrustedProxy(
  columns: TrustedProxyColumns,
  service: number,
  family: number,
  address: Uint32Array,
): boolean {
  const first = service * MAX_TRUSTED_NETWORKS;
  const end = first + columns.count[service];
  for (let place = first; place < end; place++) {
    if (columns.family[place] === family && contains(columns, place * 4, address)) return true;
  }
  return false;
}

function contains({ address, mask }: TrustedProxyColumns, at: number, client: Uint32Array): boolean {
  for (let i = 0; i < 4; i++) if (((client[i] ^ address[at + i]) & mask[at + i]) !== 0) return false;
  return true;
}
