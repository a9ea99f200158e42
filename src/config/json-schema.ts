/** The JSON Schema of the configuration file, for editors that complete and check while one types. */
import { z } from "zod";
import { fileSchema } from "./schema.js";

/**
 * Generates the schema (draft 2020-12) from the one that loading uses. What must hold between values, and whether an
 * address is one, only loading tells.
 * @param schedulers names of all schedulers
 */
export function configJsonSchema(schedulers: readonly string[]): Record<string, unknown> {
  const schema = z.toJSONSchema(fileSchema({ schedulers, portOf: () => undefined }), {
    io: "input",
    override: ({ zodSchema, jsonSchema }) => {
      if (isShortened(zodSchema)) allowText(jsonSchema);
    },
  });
  return { ...schema, title: "uvs configuration" };
}

/** Whether text is rewritten to a mapping before the schema looks at it: JSON Schema shows only the mapping. */
function isShortened({ _zod: { def } }: z.core.$ZodTypes): boolean {
  return def.type === "pipe" && def.in._zod.def.type === "transform";
}

function allowText(jsonSchema: Record<string, unknown>): void {
  const whole = { ...jsonSchema };
  for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
  // A list that one entry may stand for, or a mapping that text may stand for.
  jsonSchema["anyOf"] = [whole["items"] ?? { type: "string" }, whole];
}
