/** Where a redirect leads: to follow it is up to the HTTP check. */
import type { CheckTarget } from "../checker.js";
import type { HttpAnswer } from "./http-client.js";

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** The next request of a redirected check. */
export interface RedirectTarget {
  readonly target: CheckTarget;
  readonly isTls: boolean;
  readonly path: string;
  /** As the Location names it, for the Host header. */
  readonly host: string;
  /** Whether it stays at the target that sent it, under whatever name. */
  readonly isSameHost: boolean;
}

/**
 * Reads the Location of a redirect; relative ones stay at the same realserver.
 * @returns undefined where the answer is no redirect, or leads nowhere that HTTP can follow
 */
export function redirectTarget(
  { status, location }: HttpAnswer,
  from: CheckTarget,
  isTls: boolean,
  path: string,
): RedirectTarget | undefined {
  if (!REDIRECTS.has(status) || location === undefined) return undefined;
  const host = from.address.includes(":") ? `[${from.address}]` : from.address;
  const base = `${isTls ? "https" : "http"}://${host}:${from.port}`;
  if (!URL.canParse(location, base + (path.startsWith("/") ? path : "/"))) return undefined;
  const url = new URL(location, base + (path.startsWith("/") ? path : "/"));
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  const isTlsNext = url.protocol === "https:";
  return {
    target: {
      address: url.hostname.replace(/^\[|\]$/g, ""),
      port: Number(url.port) || (isTlsNext ? 443 : 80),
    },
    isTls: isTlsNext,
    path: url.pathname + url.search,
    host: url.host,
    isSameHost: url.origin === new URL(base).origin,
  };
}
