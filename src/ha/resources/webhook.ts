/** Posts a change of state to a URL of the operator, as JSON. */
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";

/** Longest answer that is read; what it says is not looked at. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Posts a body. Never rejects.
 * @returns why it did not arrive, in words; undefined: it did (a status of 2xx)
 */
export function postJson(url: string, body: object, timeoutMs: number): Promise<string | undefined> {
  const text = JSON.stringify(body);
  const send = url.startsWith("https:") ? requestHttps : requestHttp;
  return new Promise((resolve) => {
    const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
    const signal = AbortSignal.timeout(timeoutMs);
    const sent = send(url, { method: "POST", headers, signal, agent: false }, (answer) => {
      const { statusCode = 0 } = answer;
      let bytes = 0;
      answer.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES) answer.destroy();
      });
      answer.once("error", () => {});
      answer.once("close", () =>
        resolve(statusCode >= 200 && statusCode < 300 ? undefined : `HTTP status ${statusCode}`),
      );
    });
    sent.once("error", (error) =>
      resolve(signal.aborted ? `timed out after ${timeoutMs} ms` : error.message),
    );
    sent.end(text);
  });
}
