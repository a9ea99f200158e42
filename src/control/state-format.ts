/** The text of the file that keeps live edits: JSON with a checksum, so that a damaged file is known as one. */
import { createHash } from "node:crypto";
import { z } from "zod";
import type { EditableState } from "../config/diff.js";
import { sysctlsModel, timeoutsModel, virtualServiceModel } from "./model-schemas.js";

const FORMAT = 1;

/** What the file holds. */
export interface Saved {
  readonly running: EditableState;
  /** What the configuration file said while this was running. */
  readonly file: EditableState;
}

const editableModel: z.ZodType<EditableState> = z.strictObject({
  services: z.array(virtualServiceModel),
  timeouts: timeoutsModel,
  sysctls: sysctlsModel,
});
const savedModel: z.ZodType<Saved> = z.strictObject({ running: editableModel, file: editableModel });
const envelopeModel = z.strictObject({ format: z.literal(FORMAT), sha256: z.string(), content: z.unknown() });

/** The text for a state; the same for the same state. */
export function serializeSaved({ running, file }: Saved): string {
  const content = { running: editable(running), file: editable(file) };
  return `${JSON.stringify({ format: FORMAT, sha256: hash(content), content })}\n`;
}

/** The editable part of a configuration. */
function editable({ services, timeouts, sysctls }: EditableState): EditableState {
  return { services, timeouts, sysctls };
}

/** What the text holds, or why it is not what was written. */
export function parseSaved(text: string): Saved | string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return `not JSON: ${(error as Error).message}`;
  }
  const envelope = envelopeModel.safeParse(json);
  if (!envelope.success) return z.prettifyError(envelope.error);
  if (envelope.data.sha256 !== hash(envelope.data.content)) return "its checksum does not fit its content";
  const saved = savedModel.safeParse(envelope.data.content);
  return saved.success ? saved.data : z.prettifyError(saved.error);
}

/** Of the text that the content has in the file: parsing keeps the order of keys. */
function hash(content: unknown): string {
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}
