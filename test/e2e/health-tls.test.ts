import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createServer, type TLSSocket } from "node:tls";
import { httpCheck } from "../../src/health/checks/http.js";
import { tlsCheck } from "../../src/health/checks/tls.js";
import type { TlsOptions } from "../../src/health/checks/tls-options.js";
import { type CertificateFiles, selfSigned } from "../helpers/certificates.js";
import { runProbe, told } from "../helpers/check-probe.js";
import { waitFor } from "../helpers/wait-for.js";

describe("checks over TLS", () => {
  let folder: string;
  let good: CertificateFiles;
  const servers: Server[] = [];
  const targets: Record<string, { address: string; port: number }> = {};
  const names: (string | false | null)[] = [];

  async function listen(name: string, server: Server): Promise<void> {
    servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    targets[name] = { address: "127.0.0.1", port: (server.address() as AddressInfo).port };
  }

  function tlsServer({ cert, key }: CertificateFiles, maxVersion?: "TLSv1.2"): Server {
    const server = createServer(
      { cert: readFileSync(cert), key: readFileSync(key), maxVersion },
      (socket: TLSSocket) => {
        names.push(socket.servername);
        socket.on("error", () => {});
        socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret"));
      },
    );
    return server.on("tlsClientError", () => {});
  }

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "uvs-test-"));
    good = selfSigned(folder, "www.example.org");
    await listen("good", tlsServer(good));
    await listen("old", tlsServer(good, "TLSv1.2"));
    await listen(
      "plain",
      createTcpServer((socket) => socket.on("error", () => {}).end("220 hello\r\n")),
    );
    await listen(
      "silent",
      createTcpServer((socket) => void socket.on("error", () => {})),
    );
    await listen(
      "closing",
      createTcpServer((socket) => void socket.on("error", () => {}).once("data", () => socket.destroy())),
    );
  });
  after(() => {
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const check = async (options: TlsOptions, server = "good", timeoutMs = 5000): Promise<string> =>
    told(await runProbe(tlsCheck(options), targets[server], { timeoutMs }));

  test("pass with any certificate unless told to verify", async () => {
    assert.equal(await check({}), "passed L6OK: TLSv1.3 handshake");
    assert.equal(await check({}, "old"), "passed L6OK: TLSv1.2 handshake");
  });

  test("send the server name, or none", async () => {
    names.length = 0;
    await check({ sni: "www.example.org" });
    await check({});
    await waitFor("both handshakes are over for the server too", () => names.length === 2);
    assert.deepEqual(names, ["www.example.org", false]);
  });

  test("verify authority and name", async () => {
    const ca = good.cert;
    assert.match(
      await check({ verify: true, sni: "www.example.org" }),
      /^failed L6RSP: TLS: self-signed certificate/,
    );
    assert.equal(await check({ verify: true, ca, sni: "www.example.org" }), "passed L6OK: TLSv1.3 handshake");
    assert.equal(
      await check({ verify: true, ca, verifyName: "www.example.org" }),
      "passed L6OK: TLSv1.3 handshake",
    );
    assert.match(
      await check({ verify: true, ca, sni: "other.example.org" }),
      /^failed L6RSP: TLS: certificate is for another name/,
    );
    assert.match(await check({ verify: true, ca }), /^failed L6RSP: TLS: certificate is for another name/);
  });

  test("tell a certificate that ends too soon", async () => {
    assert.equal(await check({ minimumDays: 10 }), "passed L6OK: TLSv1.3 handshake");
    assert.equal(
      await check({ minimumDays: 60 }),
      "failed L6RSP: certificate has 29 days left, wanted are 60",
    );
  });

  test("say what is wrong where the other side speaks no TLS", async () => {
    assert.match(await check({}, "plain"), /^failed L6RSP: TLS: .*\(ERR_SSL_\w+\)$/);
    assert.match(await check({}, "closing"), /^failed L6RSP: TLS: /);
    assert.equal(
      await check({}, "silent", 200),
      "failed L6TOUT: timed out after 200 ms during the TLS handshake",
    );
  });

  test("read an answer over https, with the host as server name", async () => {
    names.length = 0;
    const https = httpCheck({
      tls: { verify: true, ca: good.cert },
      host: "www.example.org:8443",
      body: "secret",
    });
    assert.equal(told(await runProbe(https, targets["good"])), "passed L7OK: status 200");
    assert.deepEqual(names, ["www.example.org"]);
    assert.equal(https.kind, "https");
  });

  test("refuse what cannot be a server name, and authorities that cannot be read", () => {
    assert.throws(() => tlsCheck({ sni: "127.0.0.1" }), {
      code: "INVALID",
      message: /^sni: found "127.0.0.1"/,
    });
    assert.throws(() => tlsCheck({ ca: "/nonexistent.pem" }), { code: "INVALID", message: /^ca: .*ENOENT/ });
  });
});
