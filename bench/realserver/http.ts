/** HTTP realservers: nginx, or a small server of Node's own where nginx is missing. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, REALSERVERS, text, waitForAnswer } from "../system/loopback.js";
import { hasEnded, type Processes } from "../system/processes.js";
import { which } from "../system/which.js";
import {
  LARGE_BYTES,
  LARGE_PATH,
  MEDIUM_BYTES,
  MEDIUM_PATH,
  type Realservers,
  SMALL_BYTES,
  SMALL_PATH,
  UPLOAD_PATH,
} from "./realserver.js";

const PROBE = `GET ${SMALL_PATH} HTTP/1.0\r\n\r\n`;

/** Name of what serves HTTP on this machine. */
export function httpRealserverName(): string {
  return which("nginx") === undefined ? "node:http (nginx is not installed)" : "nginx, one worker";
}

/** Starts the HTTP realservers. @param directory for configuration and the large file */
export async function startHttpRealservers(processes: Processes, directory: string): Promise<Realservers> {
  const port = await freePort(REALSERVERS[0]);
  const addresses = REALSERVERS.map((host) => ({ host, port }));
  const nginx = which("nginx");
  const proxiedPort = await freePort(REALSERVERS[0]);
  const proxied = nginx === undefined ? [] : REALSERVERS.map((host) => ({ host, port: proxiedPort }));
  let command: string[];
  if (nginx === undefined) {
    command = [process.execPath, fileURLToPath(new URL("./http-server.js", import.meta.url)), String(port)];
  } else {
    const file = join(directory, "realserver.conf");
    writeFileSync(join(directory, LARGE_PATH), Buffer.alloc(LARGE_BYTES, "x"));
    writeFileSync(join(directory, MEDIUM_PATH), Buffer.alloc(MEDIUM_BYTES, "x"));
    writeFileSync(file, nginxConfiguration(directory, addresses.map(text), proxied.map(text)));
    command = [nginx, "-p", directory, "-c", file];
  }
  const running = processes.start("load", command);
  await waitForAnswer(addresses[0], PROBE, () => (hasEnded(running.child) ? running.output() : undefined));
  return { addresses, proxied, probe: PROBE, running };
}

function nginxConfiguration(
  directory: string,
  addresses: readonly string[],
  proxied: readonly string[],
): string {
  // Root's worker would become nobody, who cannot read the private directory.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  return `${user}
daemon off;
pid ${directory}/realserver.pid;
error_log stderr warn;
worker_processes 1;
worker_rlimit_nofile 20000;
events { worker_connections 12000; }
http {
  access_log off;
  client_body_temp_path ${directory}/body;
  proxy_temp_path ${directory}/proxy;
  fastcgi_temp_path ${directory}/fastcgi;
  uwsgi_temp_path ${directory}/uwsgi;
  scgi_temp_path ${directory}/scgi;
  sendfile on;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_header_timeout 1h;
  server {
${addresses.map((address) => `    listen ${address} backlog=4096;`).join("\n")}
${proxied.map((address) => `    listen ${address} backlog=4096 proxy_protocol;`).join("\n")}
    location = ${SMALL_PATH} { default_type text/plain; return 200 "${"x".repeat(SMALL_BYTES)}"; }
    location = ${LARGE_PATH} { root ${directory}; }
    location = ${MEDIUM_PATH} { root ${directory}; }
    location = ${UPLOAD_PATH} { client_max_body_size ${LARGE_BYTES}; return 200; }
  }
}
`;
}
