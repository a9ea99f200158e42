/**
 * The control API as an OpenAPI 3.1 document, made of the table of routes and its schemas. Parts that have a name of
 * their own stand once, under components.
 */
import { z } from "zod";
import type { ErrorCode } from "../core/errors.js";
import { errorAnswer } from "./answers.js";
import { HTTP_STATUS } from "./http-error.js";
import type { Route } from "./routes/route.js";
import { ROUTE_GROUPS } from "./routes.js";

type JsonObject = Readonly<Record<string, unknown>>;

/** What any request may meet, besides the errors of its route. */
const COMMON_ERRORS: readonly ErrorCode[] = ["INVALID", "UNAVAILABLE", "INTERNAL"];

const PARAMETERS: Readonly<Record<string, string>> = {
  key: "Key of a service, percent-encoded: tcp%3A%2F%2F10.0.0.1%3A80.",
  server: "Address and port of a realserver: 10.0.0.2:80, %5Bfd77%3A%3A1%5D%3A80.",
  name: "Name of a sysctl: expire_nodest_conn.",
  role: "master or backup.",
};

/**
 * The document.
 * @param version of uvs
 */
export function openApiDocument(version: string): JsonObject {
  const components = new Map<string, unknown>();
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { title, routes } of ROUTE_GROUPS) {
    for (const route of routes) {
      paths[route.path] ??= {};
      paths[route.path][route.method.toLowerCase()] = operation(route, title, components);
    }
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "uvs control API",
      version,
      description: "HTTP with JSON on the unix socket of uvsd; docs/api.md describes it.",
    },
    servers: [
      { url: "http://uvsd", description: "curl --unix-socket /run/uvs/uvsd.sock http://uvsd/v1/status" },
    ],
    tags: ROUTE_GROUPS.map(({ title }) => ({ name: title })),
    paths,
    components: { schemas: Object.fromEntries([...components].sort(([a], [b]) => a.localeCompare(b))) },
  };
}

function operation(route: Route, tag: string, components: Map<string, unknown>): JsonObject {
  const parameters = [...pathParameters(route.path), ...queryParameters(route, components)];
  return {
    summary: route.summary,
    operationId: operationId(route),
    tags: [tag],
    ...(parameters.length > 0 && { parameters }),
    ...requestBody(route, components),
    responses: {
      [route.success]: success(route, components),
      ...errors(route, components),
    },
  };
}

/** `putServicesKeyRealserversServer`: stable, because it is the route itself. */
function operationId({ method, path }: Route): string {
  const words = path.split(/[^a-z]+/i).filter((word) => word !== "" && word !== "v");
  return method.toLowerCase() + words.map((word) => word[0].toUpperCase() + word.slice(1)).join("");
}

function pathParameters(path: string): JsonObject[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    description: PARAMETERS[name],
    schema: { type: "string" },
  }));
}

function queryParameters({ query }: Route, components: Map<string, unknown>): JsonObject[] {
  return Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: "query",
    required: false,
    schema: jsonSchema(schema as z.ZodType, "input", components),
  }));
}

function requestBody({ body }: Route, components: Map<string, unknown>): JsonObject {
  const schema = jsonSchema(body, "input", components);
  if (Object.keys((schema["properties"] as object | undefined) ?? {}).length === 0) return {};
  const required = !body.safeParse(undefined).success;
  return { requestBody: { required, content: { "application/json": { schema } } } };
}

function success({ success: status, answer, textType }: Route, components: Map<string, unknown>): JsonObject {
  if (answer === undefined) return { description: status === 201 ? "Added." : "Done." };
  return {
    description: "The answer.",
    content: { [textType ?? "application/json"]: { schema: jsonSchema(answer, "output", components) } },
  };
}

/** One response for each HTTP status, with the codes that have it. */
function errors({ errors: own }: Route, components: Map<string, unknown>): JsonObject {
  const codes = [...COMMON_ERRORS, ...own];
  const statuses = [...new Set(codes.map((code) => HTTP_STATUS[code]))].sort();
  const schema = jsonSchema(errorAnswer, "output", components);
  return Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: codes.filter((code) => HTTP_STATUS[code] === status).join(", "),
        content: { "application/json": { schema } },
      },
    ]),
  );
}

/** The JSON Schema of a part; named parts in it become references and go to the components. */
function jsonSchema(
  schema: z.ZodType,
  io: "input" | "output",
  components: Map<string, unknown>,
): Record<string, unknown> {
  const text = JSON.stringify(z.toJSONSchema(schema, { io })).replaceAll("#/$defs/", "#/components/schemas/");
  const { $schema: _, $defs, id, ...whole } = JSON.parse(text) as Record<string, unknown>;
  for (const [name, definition] of Object.entries(($defs as object | undefined) ?? {})) {
    const { id: __, ...rest } = definition as Record<string, unknown>;
    components.set(name, rest);
  }
  if (typeof id !== "string") return whole;
  components.set(id, whole);
  return { $ref: `#/components/schemas/${id}` };
}
