/** The http and tls checks against nginx as Debian ships it, and a director's view of it being stopped and started. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { httpCheck } from "../../src/health/checks/http.js";
import { connectCheck } from "../../src/health/checks/tcp.js";
import { tlsCheck } from "../../src/health/checks/tls.js";
import { HealthMonitor } from "../../src/health/monitor.js";
import { checkTiming, serviceHealth } from "../../src/health/spec.js";
import { type CertificateFiles, selfSigned } from "../helpers/certificates.js";
import { runProbe, told } from "../helpers/check-probe.js";
import { RecordingSink, SERVICE } from "../helpers/health-fixture.js";
import { RecordingLogger } from "../helpers/recording-logger.js";
import { loopbackAddress } from "../helpers/tcp.js";
import { waitFor } from "../helpers/wait-for.js";

const NGINX = "/usr/sbin/nginx";

describe("nginx as realserver", { skip: existsSync(NGINX) ? false : "nginx is not installed" }, () => {
  const address = loopbackAddress();
  const http = { address, port: 8080 };
  const https = { address, port: 8443 };
  let folder: string;
  let certificate: CertificateFiles;
  let nginx: ChildProcess;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "uvs-test-"));
    certificate = selfSigned(folder, "www.example.org");
    mkdirSync(join(folder, "html"));
    writeFileSync(join(folder, "html", "index.html"), "<p>It works!</p>\n");
    writeFileSync(join(folder, "nginx.conf"), configuration());
    await start();
  });
  after(async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function configuration(): string {
    const { cert, key } = certificate;
    // Workers stay the user that runs the tests, who can read the folder.
    return `daemon off; pid ${folder}/pid; error_log ${folder}/error.log info; worker_processes 1;
${process.getuid?.() === 0 ? "user root;" : ""}
events { worker_connections 64; }
http {
  access_log off; root ${folder}/html;
  client_body_temp_path ${folder}/t1; proxy_temp_path ${folder}/t2; fastcgi_temp_path ${folder}/t3;
  uwsgi_temp_path ${folder}/t4; scgi_temp_path ${folder}/t5;
  server { listen ${address}:8080; location /old { return 301 /; } location /busy { return 503; } location /gone { return 404; } }
  server { listen ${address}:8443 ssl; ssl_certificate ${cert}; ssl_certificate_key ${key}; server_name www.example.org; }
}
`;
  }

  async function start(): Promise<void> {
    nginx = spawn(NGINX, ["-p", folder, "-c", join(folder, "nginx.conf")], { stdio: "ignore" });
    await waitFor("nginx answers", async () => (await runProbe(connectCheck(), https)).outcome === "passed");
  }

  async function stop(): Promise<void> {
    const exited = once(nginx, "exit");
    nginx.kill("SIGTERM");
    await exited;
  }

  test("answers over http", async () => {
    assert.equal(told(await runProbe(httpCheck({ body: "It works!" }), http)), "passed L7OK: status 200");
    assert.equal(told(await runProbe(httpCheck({ method: "HEAD" }), http)), "passed L7OK: status 200");
    assert.equal(
      told(await runProbe(httpCheck({ path: "/old", redirects: 1, body: "works" }), http)),
      "passed L7OK: status 200",
    );
    assert.match(told(await runProbe(httpCheck({ path: "/busy" }), http)), /^failed L7STS: status 503/);
    assert.match(told(await runProbe(httpCheck({ path: "/gone" }), http)), /^failed L7STS: status 404/);
    const md5 = execFileSync("md5sum", [join(folder, "html", "index.html")])
      .toString()
      .slice(0, 32);
    assert.equal(
      told(await runProbe(httpCheck({ bodyHash: `md5:${md5}` }), http)),
      "passed L7OK: status 200",
    );
  });

  test("answers over https, its certificate verified", async () => {
    const tls = { verify: true, ca: certificate.cert, sni: "www.example.org" };
    assert.match(told(await runProbe(tlsCheck(tls), https)), /^passed L6OK: TLSv1\.[23] handshake$/);
    assert.equal(told(await runProbe(httpCheck({ tls, body: "works" }), https)), "passed L7OK: status 200");
    assert.match(told(await runProbe(tlsCheck({}), http)), /^failed L6RSP: TLS: /);
  });

  test("is not troubled by checks: no error in its log", async () => {
    for (let i = 0; i < 5; i++) {
      await runProbe(httpCheck(), http);
      await runProbe(tlsCheck(), https);
    }
    assert.doesNotMatch(readFileSync(join(folder, "error.log"), "utf8"), /\[(?:error|crit|alert|emerg)\]/);
  });

  test("goes down when it is stopped and up when it is back", async () => {
    const sink = new RecordingSink();
    const monitor = new HealthMonitor({ sink, logger: new RecordingLogger() });
    const check = {
      checker: httpCheck({ body: "works" }),
      timing: checkTiming({ intervalMs: 50, warmupMs: 0 }),
      rules: { rise: 2, fall: 3, initial: "down" },
    } as const;
    monitor.apply([
      serviceHealth({ service: SERVICE, realservers: [{ endpoint: http, weight: 5, checks: [check] }] }),
    ]);
    const weight = (): number | undefined => sink.realservers.get(`${address}:8080`)?.weight;
    try {
      await waitFor("it is up", () => weight() === 5);
      await stop();
      await waitFor("it is down", () => weight() === 0);
      assert.match(monitor.status().services[0].realservers[0].reason, /http GET \/: connection refused/);
      await start();
      await waitFor("it is up again", () => weight() === 5);
      assert.deepEqual(
        sink.services.map(({ up }) => up),
        [false, true, false, true],
      );
    } finally {
      monitor.stop();
    }
  });
});
