import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { type HttpOptions, httpCheck } from "../../src/health/checks/http.js";
import { runProbe, told } from "../helpers/check-probe.js";
import { hangingTarget, refusingTarget, startRealserver, type TestRealserver } from "../helpers/tcp.js";

/** What the realserver answers to each path: everything it writes, and whether it then ends. */
const ANSWERS: Readonly<Record<string, readonly [string, "end"?]>> = {
  "/": ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"],
  "/close": ["HTTP/1.0 200 OK\r\n\r\nuntil the end", "end"],
  "/chunked": [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: t\r\n\r\n",
  ],
  "/lf": ["HTTP/1.1 200 OK\nContent-Length: 2\n\nok"],
  "/no-reason": ["HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"],
  "/interim": [
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  ],
  "/for-ever-interim": ["HTTP/1.1 100 Continue\r\n\r\n".repeat(20)],
  "/503": ["HTTP/1.1 503 Down \x1b[31m for now\r\nContent-Length: 0\r\n\r\n"],
  "/204": ["HTTP/1.1 204 No Content\r\nContent-Length: 10\r\n\r\n"],
  "/moved": ["HTTP/1.1 302 Found\r\nLocation: /chunked\r\nContent-Length: 0\r\n\r\n"],
  "/loop": ["HTTP/1.1 301 Moved\r\nLocation: loop\r\nContent-Length: 0\r\n\r\n"],
  "/short": ["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this", "end"],
  "/not-http": ["SSH-2.0-OpenSSH\r\n", "end"],
  "/empty": ["", "end"],
  "/bad-length": ["HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"],
  "/bad-chunk": ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"],
  "/long": [`HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n${"x".repeat(200_000)}`],
  "/many-headers": [`HTTP/1.1 200 OK\r\n${"X-Header: value\r\n".repeat(6000)}\r\n`],
  "/long-line": [`HTTP/1.1 200 ${"x".repeat(10_000)}\r\n\r\n`],
  "/silent": [""],
  "/stuck-body": ["HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"],
};

describe("the http check", () => {
  let realserver: TestRealserver;
  const requests: string[] = [];

  before(async () => {
    realserver = await startRealserver((socket) => {
      let request = "";
      socket.on("end", () => socket.end());
      socket.on("data", (chunk) => {
        request += chunk;
        if (!request.endsWith("\r\n\r\n")) return;
        requests.push(request);
        const path = request.split(" ")[1];
        if (path === "/loris") return drip(() => socket.write("H"));
        if (path === "/endless") return flood(socket);
        const [text, end] = ANSWERS[path] ?? ["HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"];
        socket.write(text);
        if (end) socket.end();
      });
    });
  });
  after(() => realserver.close());

  function drip(write: () => void): void {
    const timer = setInterval(write, 10);
    realserver.sockets.at(-1)?.on("close", () => clearInterval(timer));
  }

  function flood(socket: {
    write(data: string): boolean;
    once(name: string, listener: () => void): void;
    destroyed: boolean;
  }): void {
    socket.write("HTTP/1.1 200 OK\r\n\r\n");
    const block = "x".repeat(65_536);
    const more = (): void => {
      while (!socket.destroyed && socket.write(block));
      if (!socket.destroyed) socket.once("drain", more);
    };
    more();
  }

  const check = async (options: HttpOptions, timeoutMs = 5000): Promise<string> =>
    told(await runProbe(httpCheck(options), realserver, { timeoutMs }));

  test("sends one request and names the realserver in Host", async () => {
    requests.length = 0;
    assert.equal(await check({}), "passed L7OK: status 200");
    assert.deepEqual(requests, [
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${realserver.port}\r\nConnection: close\r\nUser-Agent: uvs\r\nAccept: */*\r\n\r\n`,
    ]);
  });

  test("sends the method, path, host and headers it is given", async () => {
    requests.length = 0;
    const options = {
      method: "head",
      path: "/?a=b",
      host: "www.example.org",
      headers: { "X-A": "b", "User-Agent": "me" },
    };
    await check(options);
    assert.equal(
      requests[0],
      "HEAD /?a=b HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\nUser-Agent: me\r\nAccept: */*\r\nX-A: b\r\n\r\n",
    );
  });

  for (const path of ["/close", "/chunked", "/lf", "/no-reason", "/interim", "/204"]) {
    test(`understands ${path}`, async () => {
      assert.match(await check({ path }), /^passed L7OK: status 20[04]$/);
    });
  }

  test("passes the statuses it is told", async () => {
    assert.equal(await check({ path: "/nowhere", status: "200,400-499" }), "passed L7OK: status 404");
    assert.equal(await check({ path: "/503", status: "5xx" }), "passed L7OK: status 503");
    assert.equal(
      await check({ status: "301" }),
      'failed L7STS: status 200, wanted is 301 ("HTTP/1.1 200 OK")',
    );
  });

  test("shows a status line escaped", async () => {
    assert.equal(
      await check({ path: "/503" }),
      'failed L7STS: status 503, wanted is 200-299 ("HTTP/1.1 503 Down \\x1b[31m for now")',
    );
  });

  test("looks for text in the body, whatever its framing", async () => {
    for (const path of ["/close", "/chunked", "/"]) {
      assert.equal(
        await check({ path, body: path === "/close" ? "the end" : "hello" }),
        "passed L7OK: status 200",
      );
    }
    assert.equal(await check({ path: "/chunked", body: "hello world" }), "passed L7OK: status 200");
    assert.equal(await check({ body: "world" }), 'failed L7RSP: body without the text "world": "hello"');
  });

  test("looks for a regular expression in the body", async () => {
    assert.equal(await check({ bodyRegex: "^h.*o$" }), "passed L7OK: status 200");
    assert.equal(await check({ bodyRegex: "^o" }), 'failed L7RSP: body does not match "^o": "hello"');
  });

  test("compares the digest of the whole body", async () => {
    const sha256 = createHash("sha256").update("hello world").digest("hex");
    const md5 = createHash("md5").update("hello").digest("hex");
    assert.equal(await check({ path: "/chunked", bodyHash: `sha256:${sha256}` }), "passed L7OK: status 200");
    assert.equal(await check({ bodyHash: `md5:${md5.toUpperCase()}` }), "passed L7OK: status 200");
    assert.equal(
      await check({ path: "/close", bodyHash: `md5:${md5}` }),
      `failed L7RSP: body has md5 ${createHash("md5").update("until the end").digest("hex")}`,
    );
    assert.match(
      await check({ path: "/long", bodyHash: `md5:${md5}` }),
      /^failed L7RSP: body longer than the 65536 bytes/,
    );
  });

  test("reads no more of a body than its limit", async () => {
    assert.equal(await check({ path: "/endless" }), "passed L7OK: status 200");
    assert.equal(await check({ path: "/endless", bodyLimit: 0 }), "passed L7OK: status 200");
    assert.match(
      await check({ path: "/endless", bodyLimit: 1_048_576, body: "y" }),
      /^failed L7RSP: body without the text "y"/,
    );
  });

  test("follows redirects as often as it is told", async () => {
    assert.equal(await check({ path: "/moved", redirects: 1, body: "world" }), "passed L7OK: status 200");
    assert.match(await check({ path: "/moved" }), /^failed L7STS: status 302/);
    assert.match(await check({ path: "/loop", redirects: 7 }), /^failed L7STS: status 301/);
  });

  for (const [path, expected] of [
    ["/short", "failed L7RSP: body ended after 9 of 100 bytes"],
    ["/not-http", 'failed L7RSP: not an HTTP answer: "SSH-2.0-OpenSSH"'],
    ["/empty", "failed L7RSP: connection closed after nothing"],
    ["/bad-length", 'failed L7RSP: Content-Length is no number: "-1"'],
    ["/bad-chunk", 'failed L7RSP: not a chunk size: "xyz"'],
    ["/many-headers", "failed L7RSP: more than 65536 bytes of headers"],
    ["/for-ever-interim", "failed L7RSP: more than 5 interim answers"],
  ] as const) {
    test(`fails on ${path}: ${expected}`, async () => {
      assert.equal(await check({ path }), expected);
    });
  }

  test("fails on a status line without end, showing its beginning", async () => {
    assert.match(
      await check({ path: "/long-line" }),
      /^failed L7RSP: line of more than 4096 bytes: "HTTP\/1.1 200 xxx/,
    );
  });

  for (const path of ["/silent", "/loris", "/stuck-body"]) {
    test(`is over at its deadline with ${path}`, async () => {
      assert.equal(
        await check({ path }, 200),
        "failed L7TOUT: timed out after 200 ms while waiting for the answer",
      );
    });
  }

  test("tells a refused connection from one that hangs, and a name that is none", async () => {
    const refused = await refusingTarget();
    assert.equal(told(await runProbe(httpCheck(), refused)), "failed L4CON: connection refused");
    const hanging = await hangingTarget();
    try {
      const result = await runProbe(httpCheck(), hanging, { timeoutMs: 200 });
      assert.equal(told(result), "failed L4TOUT: timed out after 200 ms while connecting");
    } finally {
      await hanging.close();
    }
    const nameless = await runProbe(httpCheck(), { address: "no-such-host.invalid", port: 80 });
    assert.match(told(nameless), /^failed SOCKERR: name (not found|server did not answer)$/);
  });

  test("leaves no connection behind", async () => {
    await check({ path: "/endless" });
    await check({ path: "/silent" }, 50);
    await Promise.all(
      realserver.sockets.map(
        (socket) => socket.destroyed || new Promise((resolve) => socket.on("close", resolve)),
      ),
    );
  });
});
