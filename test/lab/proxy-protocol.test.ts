/**
 * The PROXY protocol with HAProxy and nginx as judges: they read the headers that realservers are sent, and send the ones
 * that a service accepts. Each answers with the addresses that it has been told.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { freePort, type RealServer, skipWithout, startServer } from "../helpers/real-server.js";
import { loopbackAddress } from "../helpers/tcp.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

const PORT = 8080;
/** Where nginx listens as a sender, behind those of HAProxy. */
const NGINX_SENDER_PORT = PORT + 3;
const STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";
/** Formats of headers, as the configuration has them. */
const FORMATS = [
  "v1",
  "v2",
  "{ version: v2, crc32c: true }",
  "{ version: v2, crc32c: true, unique-id: true }",
];

/** What a page says, asked for from an address; and from which port it was. */
function ask(host: string, port: number, localAddress: string): Promise<{ text: string; port: number }> {
  return new Promise((resolve, reject) => {
    const request = get({ host, port, localAddress, agent: false, path: "/told" }, (answer) => {
      const { localPort = 0 } = answer.socket;
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () => resolve({ text: text.trim(), port: localPort }));
    });
    request.on("error", reject);
  });
}

describe("the PROXY protocol", { skip: skipWithout(["haproxy", "nginx"]) }, () => {
  const nginxAddress = loopbackAddress();
  const receiver = loopbackAddress();
  const sender = loopbackAddress();
  const vip = loopbackAddress();
  const client = loopbackAddress();
  let folder: string;
  const servers: RealServer[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "uvs-test-"));
    chmodSync(folder, 0o755);
    const nginxPort = await freePort();
    const nginxConfig = join(folder, "nginx.conf");
    writeFileSync(nginxConfig, nginxConfiguration(nginxPort));
    servers.push(
      await startServer({ program: "nginx", args: ["-c", nginxConfig, "-e", "stderr"] }, nginxPort),
    );
    const haproxyPort = await freePort();
    const haproxyConfig = join(folder, "haproxy.cfg");
    writeFileSync(haproxyConfig, haproxyConfiguration(haproxyPort));
    servers.push(await startServer({ program: "haproxy", args: ["-db", "-f", haproxyConfig] }, haproxyPort));
  });
  after(async () => {
    for (const server of servers) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** nginx tells either version by itself. */
  function nginxConfiguration(ready: number): string {
    const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
      .join(" ");
    const told =
      "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port";
    return `${existsSync(STREAM_MODULE) ? `load_module ${STREAM_MODULE};` : ""}
      daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log info;
      ${process.getuid?.() === 0 ? "user root;" : ""}
      events {}
      ${streamMissing() ? "" : streamConfiguration()}
      http { ${paths} log_format told '${told}'; access_log ${folder}/access.log told;
        server { listen 127.0.0.1:${ready}; }
        server { listen ${nginxAddress}:${PORT} proxy_protocol; location / { return 200 "${told}\\n"; } }
      }`;
  }

  function streamConfiguration(): string {
    return `stream {
        server {
          listen ${sender}:${NGINX_SENDER_PORT};
          proxy_bind ${sender}; proxy_pass ${vip}:${PORT}; proxy_protocol on;
        }
      }`;
  }

  function haproxyConfiguration(ready: number): string {
    const told = "%[src] %[src_port] %[dst] %[dst_port]";
    const senders = ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"].map(
      (option, i) => `
listen sender${i}
  mode tcp
  unique-id-format %[uuid()]
  bind ${sender}:${PORT + i}
  server vip ${vip}:${PORT} source ${sender} ${option} check inter 100ms`,
    );
    return `global
  maxconn 100
  no strict-limits
defaults
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend ready
  mode http
  bind 127.0.0.1:${ready}
  http-request return status 200
frontend receiver
  mode http
  bind ${receiver}:${PORT} accept-proxy
  http-request return status 200 content-type text/plain lf-string "${told} %[fc_pp_unique_id]\\n"
${senders.join("\n")}
`;
  }

  for (const [judge, address] of [
    ["nginx", nginxAddress],
    ["HAProxy", receiver],
  ] as const) {
    for (const format of FORMATS) {
      for (const dataplane of ["native", "net"] as const) {
        test(`${judge} reads what ${dataplane} sends as ${format}`, async (t) => {
          await Uvsd.start(t, {
            config: `dataplane: ${dataplane}
services:
  - listen: tcp://${vip}:${PORT}
    realservers: [{ address: "${address}:${PORT}", proxy-protocol: ${format} }]
  - listen: tcp://[::1]:${PORT}
    realservers: [{ address: "${address}:${PORT}", proxy-protocol: ${format} }]
`,
          });
          const v4 = await ask(vip, PORT, client);
          const v6 = await ask("::1", PORT, "::1");
          const id = judge === "HAProxy" && format.includes("unique-id") ? " [0-9a-f]{28}" : "";
          assert.match(v4.text, new RegExp(`^${client} ${v4.port} ${vip} ${PORT}${id}$`));
          assert.match(v6.text, new RegExp(`^::1 ${v6.port} ::1 ${PORT}${id}$`));
        });
      }
    }
  }

  test("nginx logs the client's address", async (t) => {
    await Uvsd.start(t, {
      config: `services:
  - listen: tcp://${vip}:${PORT}
    realservers: [{ address: "${nginxAddress}:${PORT}", proxy-protocol: v2 }]
`,
    });
    const { port } = await ask(vip, PORT, client);
    const logged = () =>
      readFileSync(join(folder, "access.log"), "utf8").includes(`${client} ${port} ${vip} `);
    await waitFor("the request is logged", logged);
  });

  test("checks of nginx and HAProxy behind the PROXY protocol pass, and without a header they fail", async (t) => {
    const check = "type: http, path: /told, interval: 100ms, timeout: 2s, rise: 1, fall: 1";
    const server = (address: string) => `{ address: "${address}:${PORT}", proxy-protocol: v2 }`;
    const uvsd = await Uvsd.start(t, {
      config: `services:
  - listen: tcp://${vip}:${PORT}
    realservers: [${server(nginxAddress)}, ${server(receiver)}]
    health: { ${check} }
  - listen: tcp://${vip}:${PORT + 1}
    realservers: [${server(nginxAddress)}, ${server(receiver)}]
    health: { ${check}, proxy-protocol: v1 }
  - listen: tcp://${vip}:${PORT + 2}
    realservers: [${server(nginxAddress)}, ${server(receiver)}]
    health: { ${check}, proxy-protocol: none }
`,
    });
    const states = async () =>
      (await uvsd.client.services()).map(({ key, realservers }) => [
        Number(key.split(":").at(-1)) - PORT,
        ...realservers.map(({ health }) => health?.state),
      ]);
    const wanted = [
      [0, "up", "up"],
      [1, "up", "up"],
      [2, "down", "down"],
    ];
    let seen: unknown;
    await waitFor("the checks have their results", async () => {
      seen = (await states()).sort();
      return JSON.stringify(seen) === JSON.stringify(wanted);
    }).catch((error: Error) => {
      throw new Error(`${error.message}: ${JSON.stringify(seen)}`);
    });
  });

  for (const [i, option] of [
    "send-proxy",
    "send-proxy-v2",
    "send-proxy-v2 with crc32c and unique-id",
  ].entries()) {
    for (const dataplane of ["native", "net"] as const) {
      test(`${dataplane} reads what HAProxy sends with ${option}, its checks too`, async (t) => {
        const uvsd = await Uvsd.start(t, {
          config: `dataplane: ${dataplane}
services:
  - listen: tcp://${vip}:${PORT}
    accept-proxy: { from: [${sender}], others: refuse }
    realservers: [{ address: "${nginxAddress}:${PORT}", proxy-protocol: v2 }]
`,
        });
        // The sender finds its server by checks: until then it refuses.
        let told: { text: string; port: number } | undefined;
        await waitFor("HAProxy serves", async () => {
          told = await ask(sender, PORT + i, client).catch(() => undefined);
          return told?.text.startsWith(client) === true;
        });
        assert.equal(told?.text, `${client} ${told?.port} ${sender} ${PORT + i}`);
        await waitFor("a few checks were made", async () => {
          const [{ events }] = (await uvsd.client.status()).forwarders;
          return events["accepted"] >= 6;
        });
        const [{ events }] = (await uvsd.client.status()).forwarders;
        const { proxyHeaderMissing, proxyHeaderInvalid, proxyHeaderTimeout, proxyRefused } = events;
        assert.deepEqual(
          [proxyHeaderMissing, proxyHeaderInvalid, proxyHeaderTimeout, proxyRefused],
          [0, 0, 0, 0],
        );
      });
    }
  }

  for (const dataplane of ["native", "net"] as const) {
    test(`${dataplane} reads what nginx sends`, { skip: streamMissing() }, async (t) => {
      await Uvsd.start(t, {
        config: `dataplane: ${dataplane}
services:
  - listen: tcp://${vip}:${PORT}
    accept-proxy: { from: [${sender}], others: refuse }
    realservers: [{ address: "${nginxAddress}:${PORT}", proxy-protocol: v1 }]
`,
      });
      const told = await ask(sender, NGINX_SENDER_PORT, client);
      assert.equal(told.text, `${client} ${told.port} ${sender} ${NGINX_SENDER_PORT}`);
    });
  }
});

/** Why nginx cannot send headers here, or false. */
function streamMissing(): string | false {
  if (existsSync(STREAM_MODULE)) return false;
  const { stderr } = spawnSync("nginx", ["-V"], { encoding: "utf8" });
  return /--with-stream(\s|$)/.test(stderr ?? "")
    ? false
    : "nginx has no stream module (libnginx-mod-stream)";
}
