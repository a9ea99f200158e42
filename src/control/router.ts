/** Finds the route that a request means. */
import { RequestError } from "./http-error.js";
import type { PathParameters, Query, Route } from "./routes/route.js";

/** A route with what the request's target says. */
export interface RouteMatch {
  readonly route: Route;
  readonly path: PathParameters;
  readonly query: Query;
}

/**
 * Matches method and request target against a table of routes.
 * @param target as in the request line: `/v1/services/tcp%3A%2F%2F10.0.0.1%3A80`
 * @throws RequestError 404 (no such path), 405 (another method is needed) or 400 (query where there is none, broken
 * percent-encoding)
 */
export function matchRoute(routes: readonly Route[], method: string, target: string): RouteMatch {
  const [pathname, search] = splitOnce(target, "?");
  const segments = pathname.split("/").map(decode);
  const matches = routes.flatMap((route) => {
    const path = matchPath(route.path.split("/"), segments);
    return path === undefined ? [] : [{ route, path }];
  });
  const match = matches.find(({ route }) => route.method === method);
  if (match !== undefined) {
    if (search !== undefined && match.route.query === undefined) {
      throw new RequestError(400, `${shortened(target)}: this route takes no query`);
    }
    return { ...match, query: readQuery(search ?? "") };
  }
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

/** `a=1&b=2`, percent-encoded; `+` is a plus, because addresses and keys are no form. */
function readQuery(search: string): Query {
  const query: Record<string, string> = Object.create(null);
  for (const pair of search.split("&").filter((text) => text !== "")) {
    const [name, value] = splitOnce(pair, "=").map((part) => decode(part ?? ""));
    if (name in query) throw new RequestError(400, `query: ${shortened(name)} stands twice`);
    query[name] = value;
  }
  return { ...query };
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
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
