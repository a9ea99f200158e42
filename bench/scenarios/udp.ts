/**
 * Requests and answers over UDP, which HAProxy does not carry. The baseline is nginx with one worker, which like uvs keeps a
 * client's socket to its realserver from one question to the next; `reuseport` makes no difference to a single worker.
 * nginx as its manual has it for DNS, `proxy_responses 1`, opens a socket for each question, and is shown beside it.
 */
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { measureCpu } from "../measure/cpu.js";
import { nginxUdp, nginxUdpOnce } from "../peers/nginx.js";
import type { RunningPeer } from "../peers/peer.js";
import { uvsUdp } from "../peers/uvs.js";
import type { Running } from "../system/processes.js";
import type { Bench, Scenario } from "./scenario.js";
import { DATAGRAM_BYTES } from "./udp-size.js";

const CLIENTS = 64;

export const udp: Scenario = {
  name: "udp",
  title: `UDP: requests and answers of ${DATAGRAM_BYTES} bytes, ${CLIENTS} clients`,
  realservers: "udp",
  comparison: { peers: [uvsUdp, nginxUdp, nginxUdpOnce], baseline: nginxUdp.name, candidate: uvsUdp.name },
  metrics: [
    { key: "processUs", title: "CPU us/datagram, process", digits: 2, target: { atMost: 0.8 } },
    { key: "systemUs", title: "CPU us/datagram, whole system", digits: 2 },
    { key: "perSecond", title: "answers/s", digits: 0, moreIsBetter: true },
    { key: "busy", title: "core busy %", digits: 0, informative: true },
  ],
  async measure(peer, bench) {
    const client = startClient(peer, bench);
    try {
      await answersIn(client, bench.profile.warmUpSeconds);
      const finish = measureCpu(peer.pid);
      const answers = await answersIn(client, bench.profile.seconds);
      const { processUs = 0, systemUs, elapsedUs } = finish();
      if (answers === 0) throw new Error("no datagram was answered");
      // A request and an answer each.
      const datagrams = answers * 2;
      return {
        processUs: processUs / datagrams,
        systemUs: systemUs / datagrams,
        perSecond: (answers * 1e6) / elapsedUs,
        busy: (100 * processUs) / elapsedUs,
      };
    } finally {
      await client.stop();
    }
  },
};

function startClient({ entry }: RunningPeer, { processes }: Bench): Running {
  const program = fileURLToPath(new URL("../load/udp-client.js", import.meta.url));
  const args = [entry.host, String(entry.port), String(CLIENTS)];
  return processes.start("load", [process.execPath, program, ...args], true);
}

async function answersIn({ child, output }: Running, seconds: number): Promise<number> {
  child.send(seconds);
  const ended = once(child, "exit").then(() => {
    throw new Error(`the client has ended: ${output()}`);
  });
  const [answers] = await Promise.race([once(child, "message"), ended]);
  return Number(answers);
}
