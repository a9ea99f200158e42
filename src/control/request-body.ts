/** Reads a request's body as JSON, within a bound. */
import type { IncomingMessage } from "node:http";
import { RequestError } from "./http-error.js";

/**
 * The value of a JSON body, or undefined where there is none.
 * @throws RequestError 413 (more than maxBytes) or 400 (not UTF-8, not JSON, ended early)
 */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const bytes = await readBytes(request, maxBytes);
  if (bytes.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new RequestError(400, `body: accepted is JSON in UTF-8: ${(error as Error).message}`);
  }
}

async function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request as AsyncIterable<Buffer>) {
      size += chunk.length;
      // What is too much is read to its end but not kept: a client that still writes would not see our answer.
      if (size <= maxBytes) chunks.push(chunk);
    }
  } catch {
    throw new RequestError(400, "body: the request ended early");
  }
  if (size > maxBytes) {
    throw new RequestError(413, `body: found ${size} bytes, accepted are at most ${maxBytes}`);
  }
  return Buffer.concat(chunks);
}
