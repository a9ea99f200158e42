/** What the doctor sees of the host: files of /proc and /sys, and what `ip` says. */
import { readdirSync, readFileSync } from "node:fs";
import { ipBatch, type RunProgram } from "../diversion/programs.js";

/** Where the kernel sends packets to an address. */
export interface Route {
  /** The address is one of this host's. */
  readonly isLocal: boolean;
  readonly device: string;
  /** Next hop; undefined: the address is on a network of this host. */
  readonly gateway?: string;
}

/** The host as it is when it is asked. */
export interface HostView {
  /** A file's text; undefined where it is not there, or must not be read. */
  read(path: string): string | undefined;
  /** The names in a folder; none where it is not there. */
  list(path: string): readonly string[];
  readonly run: RunProgram;
}

/** The host that this process runs on. */
export function realHost(run: RunProgram): HostView {
  return {
    read: (path) => attempt(() => readFileSync(path, "utf8"), undefined),
    list: (path) => attempt(() => readdirSync(path), []),
    run,
  };
}

/** A number that a file consists of; undefined where it is not there. */
export function readNumber(host: HostView, path: string): number | undefined {
  const text = host.read(path)?.trim();
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

/** The routes to addresses; those without a route are missing. */
export async function findRoutes(
  host: HostView,
  addresses: readonly string[],
): Promise<ReadonlyMap<string, Route>> {
  const routes = new Map<string, Route>();
  for (const family of [4, 6] as const) {
    const mine = addresses.filter((address) => address.includes(":") === (family === 6));
    if (mine.length === 0) continue;
    const batch = ipBatch(
      family,
      mine.map((address) => `route get ${address}`),
    );
    const { output } = await host
      .run({ ...batch, args: ["-o", ...batch.args] })
      .catch(() => ({ output: "" }));
    for (const line of output.split("\n")) {
      const [, type, address] = /^(?:(local|broadcast|multicast|unreachable) )?(\S+) /.exec(line) ?? [];
      if (address === undefined) continue;
      const device = / dev (\S+)/.exec(line)?.[1] ?? "";
      const gateway = / via (?:inet6? )?(\S+)/.exec(line)?.[1];
      routes.set(address, { isLocal: type === "local" || device === "lo", device, gateway });
    }
  }
  return routes;
}

function attempt<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
