/** nginx's stream module with one worker. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "../system/loopback.js";
import { printed, which } from "../system/which.js";
import type { Peer, Route } from "./peer.js";

export const nginx = stream("nginx", "");
/** The listener is UDP. */
export const nginxUdp = stream("nginx-udp", "udp");

function stream(name: string, transport: "" | "udp"): Peer {
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
      writeFileSync(file, configuration(directory, route, transport));
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

function configuration(directory: string, { vip, realservers }: Route, transport: "" | "udp"): string {
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
  }
}
`;
}
