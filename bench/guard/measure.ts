/** What the data path costs, in figures that are the same in every run: system calls, and bytes allocated. */
import { type Calls, type GuardedPlane, startGuardedPlane } from "./guarded-plane.js";
import { Client, startEcho } from "./traffic.js";

const WARM_UP = 3000;
const REQUESTS = 5000;
const CONNECTIONS = 1000;
const HEAP_ROUNDS = 5;

/** Per request on a connection that is kept alive, and per connection of one request. */
export interface DataPathCost {
  /** System calls by name; those that are not made are left out. */
  readonly callsPerRequest: Calls;
  readonly callsPerConnection: Calls;
  /** Bytes that are left on the heap of the data plane's thread, as garbage or to stay. */
  readonly heapPerRequest: number;
  readonly heapPerConnection: number;
}

/** Measures; some seconds. */
export async function measureDataPath(): Promise<DataPathCost> {
  const counted = await both(true, async (plane, traffic) => {
    plane.calls();
    await traffic();
    return plane.calls();
  });
  const grown = await both(false, async (plane, traffic) => {
    const growths: number[] = [];
    for (let i = 0; i < HEAP_ROUNDS; i++) {
      const before = await plane.heap();
      await traffic();
      growths.push((await plane.heap()) - before);
    }
    // The compiler allocates now and then, too; a collection leaves less than before. The least growth is the path's own.
    return Math.min(...growths.filter((growth) => growth >= 0));
  });
  return {
    callsPerRequest: perUnit(counted.requests, REQUESTS),
    callsPerConnection: perUnit(counted.connections, CONNECTIONS),
    heapPerRequest: grown.requests / REQUESTS,
    heapPerConnection: grown.connections / CONNECTIONS,
  };
}

/** Measures requests, then connections, both warmed up, on a plane of their own. */
async function both<T>(
  counting: boolean,
  measure: (plane: GuardedPlane, traffic: () => Promise<void>) => Promise<T>,
): Promise<{ requests: T; connections: T }> {
  const { address, server } = await startEcho();
  const plane = await startGuardedPlane(address, counting);
  try {
    const client = await Client.open(plane.entry);
    await client.request(WARM_UP);
    const requests = await measure(plane, () => client.request(REQUESTS));
    await client.close();
    await connect(plane, WARM_UP);
    const connections = await measure(plane, () => connect(plane, CONNECTIONS));
    return { requests, connections };
  } finally {
    await plane.stop();
    server.close();
  }
}

async function connect(plane: GuardedPlane, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const client = await Client.open(plane.entry);
    await client.request(1);
    await client.close();
  }
}

function perUnit(calls: Calls, units: number): Calls {
  return Object.fromEntries(
    Object.entries(calls).flatMap(([name, count]) => (count === 0 ? [] : [[name, count / units]])),
  );
}
