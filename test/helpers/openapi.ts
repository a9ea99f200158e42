/** docs/openapi.json, and whether an answer is what it says. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { z } from "zod";

interface Schema {
  readonly [key: string]: unknown;
}
interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** The document as it stands in docs, from the compiled helper: `<build folder>/test/helpers`. */
export const OPENAPI = JSON.parse(
  readFileSync(new URL("../../../docs/openapi.json", import.meta.url), "utf8"),
) as OpenApi;

/**
 * Checks an answer against the document.
 * @param path as in the document: `/v1/services/{key}`
 * @param body undefined where the answer had none
 */
export function checkAnswer(method: string, path: string, status: number, body: unknown): void {
  const what = `${method} ${path}: ${status}`;
  const response = OPENAPI.paths[path]?.[method.toLowerCase()]?.responses[status];
  assert.ok(response !== undefined, `${what} is not in the document`);
  const [{ schema } = { schema: undefined }] = Object.values(response.content ?? {});
  if (schema === undefined) {
    assert.equal(body, undefined, `${what} has no body`);
    return;
  }
  const { $defs, ...whole } = JSON.parse(
    JSON.stringify({ ...schema, $defs: OPENAPI.components.schemas }).replaceAll(
      "#/components/schemas/",
      "#/$defs/",
    ),
  ) as Schema;
  const result = z
    .fromJSONSchema({ ...whole, $defs } as Parameters<typeof z.fromJSONSchema>[0])
    .safeParse(body);
  assert.ok(
    result.success,
    `${what}: ${result.error && z.prettifyError(result.error)}\n${JSON.stringify(body)}`,
  );
}
