/** What a route is. The tables beside this file are all routes there are; `routes.ts` puts them together. */
import type { z } from "zod";
import type { ErrorCode } from "../../core/errors.js";
import { parseBody, parseQuery } from "../body.js";
import type { Operations } from "../operations.js";

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** The variable parts of a path, decoded: `key` of a service, `server` of a realserver, `name`, `role`. */
export type PathParameters = Readonly<Record<string, string>>;

/** The query of a request, decoded; each name stands once. */
export type Query = Readonly<Record<string, string>>;

/** A request as the server has read it. */
export interface RouteRequest {
  readonly path: PathParameters;
  readonly query: Query;
  /** The parsed JSON, or undefined where there is none. */
  readonly body: unknown;
}

/** One route. */
export interface Route {
  readonly method: Method;
  /** With `{key}`, `{server}`, ... for what varies; each is one percent-encoded segment. */
  readonly path: string;
  /** One line for people. */
  readonly summary: string;
  /** What the query may be; without it there is none. */
  readonly query?: z.ZodObject;
  /** What the request's JSON must be. */
  readonly body: z.ZodType;
  /** Longest body in bytes, where it is not the server's `bodyBytes`. */
  readonly maxBodyBytes?: number;
  /** The status of success: 200 with an answer, 201 and 204 without. */
  readonly success: 200 | 201 | 204;
  /** What a 200 has in it. */
  readonly answer?: z.ZodType;
  /** The media type of an answer that is text; without it answers are JSON. */
  readonly textType?: string;
  /** What may be refused, besides INVALID, UNAVAILABLE and INTERNAL. */
  readonly errors: readonly ErrorCode[];
  /**
   * Checks query, body and parameters, asks the director, and resolves to the answer.
   * @throws UvsError
   */
  run(operations: Operations, request: RouteRequest): Promise<unknown>;
}

/** A request after query and body went through their schemas. */
interface CheckedRequest<Body, QueryShape extends z.ZodRawShape> {
  readonly path: PathParameters;
  readonly query: z.output<z.ZodObject<QueryShape>>;
  readonly body: Body;
}

/** A route before the types of its query and body are forgotten. */
interface RouteOf<Body, QueryShape extends z.ZodRawShape> extends Omit<Route, "body" | "query" | "run"> {
  readonly query?: z.ZodObject<QueryShape>;
  readonly body: z.ZodType<Body>;
  run(operations: Operations, request: CheckedRequest<Body, QueryShape>): Promise<unknown>;
}

/** A route of the table, from one whose `run` knows what its schemas make. */
export function route<Body, QueryShape extends z.ZodRawShape = Record<never, never>>(
  typed: RouteOf<Body, QueryShape>,
): Route {
  return {
    ...typed,
    // async, so that a refused body is a rejection like every other refusal.
    run: async (operations, { path, query, body }) =>
      typed.run(operations, {
        path,
        query: parseQuery(typed.query, query) as CheckedRequest<Body, QueryShape>["query"],
        body: parseBody(typed.body, body),
      }),
  };
}
