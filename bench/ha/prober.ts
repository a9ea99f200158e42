/**
 * The client of the HA bench, as a program: `node prober.js ADDRESS MASTER`. Every millisecond it asks the address for an echo
 * (ICMP: the kernel of whoever has the address answers), and it watches its link: who answers, gratuitous ARPs,
 * advertisements. It tells of each advertisement of the hardware address MASTER at once, and everything as one line of JSON
 * when its standard input ends. One timer, two sockets.
 */
import { loadLibc } from "../../src/dataplane/native/libc.js";
import {
  AF_INET,
  AF_PACKET,
  MSG_DONTWAIT,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
} from "../../src/dataplane/native/linux.js";
import type { Advert, Announcement, Probe, ProberReport } from "./observations.js";
import { nowMs } from "./wall-clock.js";

const [target, master] = process.argv.slice(2);
const libc = loadLibc();

const INTERVAL_MS = 1;
/** Probes that are made up for when the timer came late; the others were never due for the address. */
const MAX_LATE = 5;
const IPPROTO_ICMP = 1;
const ETH_P_ALL = 0x0003;
const SOCKADDR_BYTES = 20;
const FRAME_BYTES = 2048;
const ECHO_BYTES = 16;
const ECHO_ID = process.pid & 0xffff;

const memory = libc.allocate(SOCKADDR_BYTES * 2 + ECHO_BYTES + FRAME_BYTES);
const view = new DataView(memory.buffer);
const [linkAt, addressAt, echoAt, frameAt] = [0, 20, 40, 40 + ECHO_BYTES];

const probes: Probe[] = [];
const adverts: Advert[] = [];
const announcements: Announcement[] = [];
const targetWord = wordOf(target);
let ownHardware = "";

function wordOf(address: string): number {
  return address.split(".").reduce((word, part) => ((word << 8) | Number(part)) >>> 0, 0);
}

function check(call: string, result: number): number {
  if (result < 0) throw new Error(`${call}: errno ${-result}`);
  return result;
}

function openLink(): number {
  const protocol = ((ETH_P_ALL & 0xff) << 8) | (ETH_P_ALL >> 8);
  const fd = check("socket", libc.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  view.setUint16(linkAt, AF_PACKET, true);
  view.setUint16(linkAt + 2, ETH_P_ALL);
  view.setInt32(linkAt + 4, check("if_nametoindex", libc.interfaceIndex("eth0")), true);
  check("bind", libc.bind(fd, memory.address + linkAt, SOCKADDR_BYTES));
  view.setInt32(frameAt, SOCKADDR_BYTES, true);
  check("getsockname", libc.getsockname(fd, memory.address + linkAt, memory.address + frameAt));
  ownHardware = hardwareAt(linkAt + 12);
  return fd;
}

function hardwareAt(at: number): string {
  let text = "";
  for (let i = 0; i < 6; i++)
    text += `${i === 0 ? "" : ":"}${view
      .getUint8(at + i)
      .toString(16)
      .padStart(2, "0")}`;
  return text;
}

function sendEcho(fd: number, atMs: number): void {
  const sequence = probes.length;
  view.setUint32(echoAt, 0x08000000);
  view.setUint16(echoAt + 4, ECHO_ID);
  view.setUint16(echoAt + 6, sequence & 0xffff);
  view.setUint32(echoAt + 8, sequence);
  let sum = 0;
  for (let at = 0; at < ECHO_BYTES; at += 2) sum += view.getUint16(echoAt + at);
  sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(echoAt + 2, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff);
  probes.push({ sentMs: atMs, by: "" });
  libc.sendTo(fd, memory.address + echoAt, ECHO_BYTES, MSG_DONTWAIT, memory.address + addressAt, 16);
}

function readLink(fd: number): void {
  for (;;) {
    const length = libc.recv(fd, memory.address + frameAt, FRAME_BYTES, MSG_DONTWAIT);
    if (length < 0) return;
    const from = hardwareAt(frameAt + 6);
    if (length >= 34 && from !== ownHardware) look(view.getUint16(frameAt + 12), from);
  }
}

function look(type: number, from: string): void {
  const atMs = nowMs();
  if (type === 0x0806) {
    const [sender, wanted] = [view.getUint32(frameAt + 28), view.getUint32(frameAt + 38)];
    if (sender === wanted && sender === targetWord) announcements.push({ atMs, by: from });
  } else if (type === 0x0800) {
    const protocol = view.getUint8(frameAt + 23);
    const payload = frameAt + 14 + (view.getUint8(frameAt + 14) & 15) * 4;
    if (protocol === 112) {
      adverts.push({ atMs, by: from, id: view.getUint8(payload + 1), priority: view.getUint8(payload + 2) });
      if (from === master) process.stdout.write(`advert ${atMs}\n`);
    } else if (
      protocol === IPPROTO_ICMP &&
      view.getUint8(payload) === 0 &&
      view.getUint16(payload + 4) === ECHO_ID
    ) {
      const probe = probes[view.getUint32(payload + 8)];
      if (probe !== undefined && probe.by === "") probe.by = from;
      else if (probe !== undefined && probe.by !== from) probe.alsoBy = from;
    }
  }
}

const link = openLink();
const echo = check("socket", libc.socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP));
view.setUint16(addressAt, AF_INET, true);
view.setUint32(addressAt + 4, targetWord);
let dueMs = nowMs();
const timer = setInterval(() => {
  const now = nowMs();
  if (now - dueMs > MAX_LATE * INTERVAL_MS) dueMs = now - MAX_LATE * INTERVAL_MS;
  for (; dueMs <= now; dueMs += INTERVAL_MS) sendEcho(echo, now);
  readLink(link);
}, INTERVAL_MS);

process.stdin.resume().on("end", () => {
  clearInterval(timer);
  readLink(link);
  process.stdout.write(`${JSON.stringify({ probes, adverts, announcements } satisfies ProberReport)}\n`, () =>
    process.exit(0),
  );
});
process.stdout.write("ready\n");
