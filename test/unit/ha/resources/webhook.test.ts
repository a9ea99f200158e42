import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Notifier } from "../../../../src/ha/resources/notify.js";
import { postJson } from "../../../../src/ha/resources/webhook.js";
import { SystemTimers } from "../../../../src/ha/timers.js";
import { RecordingLogger } from "../../../helpers/recording-logger.js";

/** Serves until the test body is over. */
async function withServer(
  answer: (request: IncomingMessage, response: ServerResponse, body: string) => void,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => answer(request, response, body));
  });
  server.listen(0, "127.61.6.1");
  await once(server, "listening");
  try {
    await use(`http://127.61.6.1:${(server.address() as AddressInfo).port}/hook`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("a body arrives as JSON, and a status of 2xx is success", async () => {
  const seen: unknown[] = [];
  await withServer(
    ({ method, url, headers }, response, body) => {
      seen.push([method, url, headers["content-type"], JSON.parse(body)]);
      response.writeHead(204).end();
    },
    async (url) => assert.equal(await postJson(url, { state: "MASTER" }, 5000), undefined),
  );
  assert.deepEqual(seen, [["POST", "/hook", "application/json", { state: "MASTER" }]]);
});

test("another status is a failure that names it", () =>
  withServer(
    (_, response) => response.writeHead(500).end("sorry"),
    async (url) => assert.equal(await postJson(url, {}, 5000), "HTTP status 500"),
  ));

test("a server that does not answer costs the time-out and no more", () =>
  withServer(
    () => {},
    async (url) => assert.equal(await postJson(url, {}, 100), "timed out after 100 ms"),
  ));

test("an address where nobody listens is a failure in words", async () => {
  assert.match((await postJson("http://127.61.6.2:9/", {}, 5000)) ?? "", /ECONNREFUSED/);
});

test("every notice is posted with host and time, in order, and a failure is told", async () => {
  const seen: { state: string; name: string; priority: number; host: string; at: string }[] = [];
  const logger = new RecordingLogger();
  await withServer(
    (_, response, body) => {
      seen.push(JSON.parse(body));
      response.writeHead(seen.length === 1 ? 200 : 503).end();
    },
    async (url) => {
      const notifier = new Notifier({ webhooks: [url] }, new SystemTimers(), logger);
      for (const state of ["BACKUP", "MASTER"] as const) {
        notifier.notify({ type: "INSTANCE", name: "vi", state, priority: 100, reason: "a test" });
      }
      await notifier.idle();
    },
  );
  assert.deepEqual(
    seen.map(({ state, name, priority }) => [state, name, priority]),
    [
      ["BACKUP", "vi", 100],
      ["MASTER", "vi", 100],
    ],
  );
  assert.ok(seen.every(({ host, at }) => host !== "" && !Number.isNaN(Date.parse(at))));
  assert.equal(logger.records.filter(({ message }) => /for MASTER: HTTP status 503/.test(message)).length, 1);
});
