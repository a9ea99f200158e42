/** nginx's stream module with one worker. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "../system/loopback.js";
import { printed, which } from "../system/which.js";
import type { Peer, Route } from "./peer.js";

export const nginx = stream("nginx", "");
/** The listener is UDP. A client keeps its socket to the realserver, as uvs does. */
export const nginxUdp = stream("nginx-udp", "udp");
/** The same with `proxy_responses 1`, as for DNS: each answer ends the session, and the next question has a new socket. */
export const nginxUdpOnce = stream("nginx-udp-once", "udp", "proxy_responses 1;");

/** @param directives further ones of the server */
function stream(name: string, transport: "" | "udp", directives = ""): Peer {
  return {
    name,
    unavailable() {
      if (which("nginx") === undefined) return "not installed (apt-get install nginx libnginx-mod-stream)";
      return streamModule() === undefined
        ? "the stream module is missing (apt-get install libnginx-mod-stream)"
        : undefined;
    },
    prepare(directory, route) {
      const file = join(directory, `${name}.conf`);
      writeFileSync(file, configuration(directory, route, transport, directives));
      return [which("nginx") ?? "nginx", "-p", directory, "-c", file];
    },
  };
}

/** The line that loads the stream module, empty where it is compiled in, undefined where there is none. */
function streamModule(): string | undefined {
  const build = printed(which("nginx") ?? "nginx", "-V");
  if (/--with-stream(\s|$)/.test(build)) return "";
  const folder = /--modules-path=(\S+)/.exec(build)?.[1] ?? "/usr/lib/nginx/modules";
  const file = join(folder, "ngx_stream_module.so");
  return existsSync(file) ? `load_module ${file};` : undefined;
}

function configuration(
  directory: string,
  { vip, realservers }: Route,
  transport: "" | "udp",
  directives: string,
): string {
  const listening = transport === "udp" ? "udp" : "backlog=4096";
  return `${streamModule()}
daemon off;
pid ${directory}/nginx-stream.pid;
error_log stderr error;
worker_processes 1;
worker_rlimit_nofile 25000;
events { worker_connections 22000; }
stream {
  upstream realservers {
${realservers.map((server) => `    server ${text(server)};`).join("\n")}
  }
  server {
    listen ${text(vip)} ${listening};
    proxy_pass realservers;
    proxy_connect_timeout 5s;
    proxy_timeout 15m;
    ${directives}
  }
}
`;
}
