/**
 * Frames that tell a link where an address lives now: gratuitous ARP (RFC 5227 §3, in keepalived's form) and unsolicited
 * neighbour advertisement (RFC 4861 §4.4, §7.2.6).
 */
import { addressBytes } from "../address-bytes.js";
import { internetChecksum, pseudoHeader } from "../vrrp/checksum.js";

const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV6 = 0x86dd;
const BROADCAST = new Uint8Array(6).fill(0xff);
const ALL_NODES = "ff02::1";
const ALL_NODES_HARDWARE = Uint8Array.of(0x33, 0x33, 0, 0, 0, 1);
const ICMPV6 = 58;
const ICMPV6_BYTES = 32;
const NEIGHBOUR_ADVERTISEMENT = 136;
const FLAG_ROUTER = 0x80;
const FLAG_OVERRIDE = 0x20;
const OPTION_TARGET_HARDWARE = 2;

/**
 * A gratuitous ARP request: 42 bytes, to everybody.
 * @param hardware address of the interface that answers, 6 bytes
 * @param address IPv4
 */
export function gratuitousArp(hardware: Uint8Array, address: string): Uint8Array {
  const ip = addressBytes(address);
  const frame = new Uint8Array(42);
  const view = new DataView(frame.buffer);
  frame.set(BROADCAST, 0);
  frame.set(hardware, 6);
  view.setUint16(12, ETHERTYPE_ARP);
  // Ethernet, IPv4, lengths of both, request.
  view.setUint16(14, 1);
  view.setUint16(16, 0x0800);
  view.setUint16(18, 0x0604);
  view.setUint16(20, 1);
  frame.set(hardware, 22);
  frame.set(ip, 28);
  frame.set(BROADCAST, 32);
  frame.set(ip, 38);
  return frame;
}

/**
 * An unsolicited neighbour advertisement: 86 bytes, from the address itself to all nodes.
 * @param address IPv6
 * @param isRouter whether the interface forwards
 */
export function unsolicitedAdvertisement(
  hardware: Uint8Array,
  address: string,
  isRouter: boolean,
): Uint8Array {
  const ip = addressBytes(address);
  const frame = new Uint8Array(14 + 40 + ICMPV6_BYTES);
  const view = new DataView(frame.buffer);
  frame.set(ALL_NODES_HARDWARE, 0);
  frame.set(hardware, 6);
  view.setUint16(12, ETHERTYPE_IPV6);
  frame[14] = 0x60;
  view.setUint16(18, ICMPV6_BYTES);
  frame[20] = ICMPV6;
  frame[21] = 255;
  frame.set(ip, 22);
  frame.set(addressBytes(ALL_NODES), 38);
  const message = frame.subarray(54);
  message[0] = NEIGHBOUR_ADVERTISEMENT;
  message[4] = FLAG_OVERRIDE | (isRouter ? FLAG_ROUTER : 0);
  message.set(ip, 8);
  message[24] = OPTION_TARGET_HARDWARE;
  message[25] = 1;
  message.set(hardware, 26);
  view.setUint16(56, internetChecksum(pseudoHeader(address, ALL_NODES, ICMPV6, ICMPV6_BYTES), message));
  return frame;
}
