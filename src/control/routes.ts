/**
 * The routes of the control API, as data: the server serves this table, and documents are checked against it. A route
 * happens whole or not at all, because it makes one call of Operations after all of its input has been checked.
 */
import type { z } from "zod";
import { type ErrorCode, UvsError } from "../core/errors.js";
import { parseRealserverKey, parseServiceKey } from "../core/service-key.js";
import { parseBody } from "./body.js";
import type { Operations } from "./operations.js";
import {
  nothingBody,
  realserverBody,
  realserverFor,
  realserverSettingsBody,
  serviceBody,
  settingsBody,
  settingsFor,
  timeoutsBody,
} from "./schemas.js";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** The variable parts of a path, decoded: `key` of a service, `server` of a realserver. */
export type PathParameters = Readonly<Record<string, string>>;

/** One route. */
export interface Route {
  readonly method: Method;
  /** With `{key}` and `{server}` for what varies; each is one percent-encoded segment. */
  readonly path: string;
  /** One line for people. */
  readonly summary: string;
  /** What the request's JSON must be. */
  readonly body: z.ZodType;
  /** The status of success: 200 with an answer, 201 and 204 without. */
  readonly success: 200 | 201 | 204;
  /** What may be refused, besides INVALID, UNAVAILABLE and INTERNAL. */
  readonly errors: readonly ErrorCode[];
  /**
   * Checks body and parameters, asks the director, and resolves to the answer.
   * @throws UvsError
   */
  run(operations: Operations, parameters: PathParameters, body: unknown): Promise<unknown>;
}

/** A route before its body's type is forgotten: `run` gets the body that the schema has made. */
interface RouteOf<Body> extends Omit<Route, "body" | "run"> {
  readonly body: z.ZodType<Body>;
  run(operations: Operations, parameters: PathParameters, body: Body): Promise<unknown>;
}

function route<Body>(typed: RouteOf<Body>): Route {
  return {
    ...typed,
    // async, so that a refused body is a rejection like every other refusal.
    run: async (operations, parameters, body) =>
      typed.run(operations, parameters, parseBody(typed.body, body)),
  };
}

export const ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/status",
    summary: "The director with its forwarders, time-outs and services",
    body: nothingBody,
    success: 200,
    errors: [],
    run: (operations) => operations.status(),
  }),
  route({
    method: "GET",
    path: "/v1/services",
    summary: "All virtual services with their realservers and counters",
    body: nothingBody,
    success: 200,
    errors: [],
    run: async (operations) => ({ services: await operations.services() }),
  }),
  route({
    method: "POST",
    path: "/v1/services",
    summary: "Adds a virtual service, with realservers if given",
    body: serviceBody,
    success: 201,
    errors: ["EXISTS", "NO_SCHEDULER", "RANGE", "ADDRESS_IN_USE", "PERMISSION", "TOO_MANY", "UNSUPPORTED"],
    run: (operations, _, body) => {
      const id = parseServiceKey(body.key);
      const settings = settingsFor(id, body.settings);
      const realservers = body.realservers.map((server) => realserverFor(server, server));
      return operations.addService({ id, settings, realservers });
    },
  }),
  route({
    method: "DELETE",
    path: "/v1/services",
    summary: "Deletes all virtual services",
    body: nothingBody,
    success: 204,
    errors: [],
    run: (operations) => operations.clear(),
  }),
  route({
    method: "GET",
    path: "/v1/services/{key}",
    summary: "One virtual service with its realservers and counters",
    body: nothingBody,
    success: 200,
    errors: ["NO_SERVICE"],
    run: async (operations, { key }) => {
      const [service] = await operations.services(parseServiceKey(key));
      // It may be deleted while the director gathers its counters.
      if (service === undefined) throw new UvsError("NO_SERVICE", `there is no service ${key}`);
      return service;
    },
  }),
  route({
    method: "PUT",
    path: "/v1/services/{key}",
    summary: "Replaces the settings of a virtual service; realservers and connections stay",
    body: settingsBody,
    success: 204,
    errors: ["NO_SERVICE", "NO_SCHEDULER", "UNSUPPORTED"],
    run: (operations, { key }, body) => {
      const id = parseServiceKey(key);
      return operations.editService(id, settingsFor(id, body));
    },
  }),
  route({
    method: "DELETE",
    path: "/v1/services/{key}",
    summary: "Deletes a virtual service; its connections go on",
    body: nothingBody,
    success: 204,
    errors: ["NO_SERVICE"],
    run: (operations, { key }) => operations.deleteService(parseServiceKey(key)),
  }),
  route({
    method: "POST",
    path: "/v1/services/{key}/zero",
    summary: "Sets the counters of one virtual service to zero",
    body: nothingBody,
    success: 204,
    errors: ["NO_SERVICE"],
    run: (operations, { key }) => operations.zero(parseServiceKey(key)),
  }),
  route({
    method: "POST",
    path: "/v1/services/{key}/realservers",
    summary: "Adds a realserver to a virtual service",
    body: realserverBody,
    success: 201,
    errors: ["NO_SERVICE", "EXISTS", "RANGE", "TOO_MANY", "UNSUPPORTED"],
    run: (operations, { key }, body) =>
      operations.addRealserver(parseServiceKey(key), realserverFor(body, body)),
  }),
  route({
    method: "PUT",
    path: "/v1/services/{key}/realservers/{server}",
    summary: "Replaces the settings of a realserver; its connections stay",
    body: realserverSettingsBody,
    success: 204,
    errors: ["NO_SERVICE", "NO_SERVER", "RANGE", "UNSUPPORTED"],
    run: (operations, { key, server }, body) =>
      operations.editRealserver(parseServiceKey(key), realserverFor(parseRealserverKey(server), body)),
  }),
  route({
    method: "DELETE",
    path: "/v1/services/{key}/realservers/{server}",
    summary: "Deletes a realserver from a virtual service",
    body: nothingBody,
    success: 204,
    errors: ["NO_SERVICE", "NO_SERVER"],
    run: (operations, { key, server }) =>
      operations.deleteRealserver(parseServiceKey(key), parseRealserverKey(server)),
  }),
  route({
    method: "POST",
    path: "/v1/zero",
    summary: "Sets the counters of all virtual services to zero",
    body: nothingBody,
    success: 204,
    errors: [],
    run: (operations) => operations.zero(),
  }),
  route({
    method: "GET",
    path: "/v1/timeouts",
    summary: "The connection time-outs",
    body: nothingBody,
    success: 200,
    errors: [],
    run: (operations) => operations.timeouts(),
  }),
  route({
    method: "PUT",
    path: "/v1/timeouts",
    summary: "Sets connection time-outs; 0 leaves one as it is",
    body: timeoutsBody,
    success: 200,
    errors: [],
    run: (operations, _, body) => operations.setTimeouts(body),
  }),
  route({
    method: "POST",
    path: "/v1/reload",
    summary: "Reads the configuration file again and applies the difference",
    body: nothingBody,
    success: 200,
    errors: ["CONFIG", "UNSUPPORTED"],
    run: (operations) => operations.reload(),
  }),
];
