/** Finds the route that a request means. */
import { RequestError } from "./http-error.js";
import type { PathParameters, Route } from "./routes.js";

/** A route with the variable parts of the path that led to it. */
export interface RouteMatch {
  readonly route: Route;
  readonly parameters: PathParameters;
}

/**
 * Matches method and request target against a table of routes.
 * @param target as in the request line: `/v1/services/tcp%3A%2F%2F10.0.0.1%3A80`
 * @throws RequestError 404 (no such path), 405 (another method is needed) or 400 (query, broken percent-encoding)
 */
export function matchRoute(routes: readonly Route[], method: string, target: string): RouteMatch {
  if (target.includes("?")) throw new RequestError(400, `${shortened(target)}: no route takes a query`);
  const segments = target.split("/").map(decode);
  const matches = routes.flatMap((route) => {
    const parameters = matchPath(route.path.split("/"), segments);
    return parameters === undefined ? [] : [{ route, parameters }];
  });
  const match = matches.find(({ route }) => route.method === method);
  if (match !== undefined) return match;
  if (matches.length === 0) {
    throw new RequestError(404, `no such path: ${shortened(target)}; docs/api.md lists them`);
  }
  const allow = matches.map(({ route }) => route.method);
  throw new RequestError(405, `${method} ${shortened(target)}: accepted is ${allow.join(", ")}`, allow);
}

function matchPath(pattern: readonly string[], segments: readonly string[]): PathParameters | undefined {
  if (pattern.length !== segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [i, part] of pattern.entries()) {
    if (part.startsWith("{")) parameters[part.slice(1, -1)] = segments[i];
    else if (part !== segments[i]) return undefined;
  }
  return parameters;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new RequestError(400, `${shortened(segment)}: broken percent-encoding`);
  }
}

function shortened(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}
