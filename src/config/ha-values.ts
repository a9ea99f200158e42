/** Values that stand only under `ha`: how each is read from text. */
import { canonicalIp, familyOf } from "../core/address.js";
import type { HaCommand } from "../core/ha-settings.js";
import { parseAddress, requireText } from "./endpoint.js";
import { field, text } from "./fields.js";
import { refuse } from "./refuse.js";

const MAX_NAME = 64;
const NODE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
/** IFNAMSIZ without its NUL; what the kernel's dev_valid_name accepts. */
const INTERFACE = /^[^\s/:]{1,15}$/;
/** As keepalived bounds it. */
const MAX_WEIGHT = 253;
const MIN_KEY_BYTES = 32;
const MAX_KEY_BYTES = 64;

/** An address with the length of its network's prefix. */
export interface Network {
  readonly address: string;
  readonly prefix: number;
}

/** Something tracked. */
export interface TrackEntry {
  readonly name: string;
  readonly weight: number;
  readonly reverse: boolean;
}

/** A name of ours: it stands in logs and in the arguments of hooks. */
export const haName = text(MAX_NAME, `a name of at most ${MAX_NAME} bytes`);

/** Name of a director. */
export const nodeName = field(
  (input) =>
    typeof input === "string" && NODE_NAME.test(input)
      ? input
      : refuse(input, "a name of letters, digits, dot, dash and underscore, 63 at most"),
  { type: "string", pattern: NODE_NAME.source },
);

/** Name of a network interface. */
export const interfaceName = field(
  (input) =>
    typeof input === "string" && INTERFACE.test(input)
      ? input
      : refuse(input, "the name of an interface, 1 to 15 characters"),
  { type: "string", minLength: 1, maxLength: 15 },
);

/** One IP address. */
export const ipAddress = field(
  (input) => {
    const accepted = "an IP address";
    const found = requireText(input, accepted);
    return parseAddress(found, { text: found, accepted });
  },
  { type: "string" },
);

/** `ADDRESS/PREFIX`; without a prefix the address stands alone, as with `ip addr add`. */
export const network = field(
  (input): Network => {
    const accepted = "ADDRESS/PREFIX such as 192.168.0.10/24";
    const found = requireText(input, accepted);
    const [host, length] = found.split("/", 2);
    const address = parseAddress(host, { text: found, accepted });
    const longest = familyOf(address) === 4 ? 32 : 128;
    const prefix = length === undefined ? longest : Number(length);
    if (!/^\d*$/.test(length ?? "") || prefix < 1 || prefix > longest) {
      return refuse(found, accepted, `a prefix length is a whole number from 1 to ${longest}`);
    }
    return { address, prefix };
  },
  { type: "string" },
);

/** `+`, or an IPv4 address. */
export const broadcast = field(
  (input): string => {
    if (input === "+") return input;
    const address = typeof input === "string" ? canonicalIp(input) : undefined;
    if (address !== undefined && familyOf(address) === 4) return address;
    return refuse(input, "an IPv4 address, or + to have it computed");
  },
  { type: "string" },
);

/** `/path/to/program argument ...`, or a mapping of program and args. No shell is involved. */
export const command = field(
  (input): HaCommand => {
    const accepted = "the absolute path of a program with its arguments, or a mapping of program and args";
    if (typeof input === "string") {
      const [path, ...args] = input.split(/\s+/).filter((word) => word !== "");
      return path?.startsWith("/") ? { path, args } : refuse(input, accepted);
    }
    if (typeof input !== "object" || input === null || Array.isArray(input)) return refuse(input, accepted);
    const { program, args = [], ...unknown } = input as Record<string, unknown>;
    const [other] = Object.keys(unknown);
    if (other !== undefined) return refuse(other, accepted);
    if (typeof program !== "string" || !program.startsWith("/")) return refuse(program, accepted);
    if (!Array.isArray(args) || !args.every((word) => typeof word === "string")) {
      return refuse(args, "a list of texts as args");
    }
    return { path: program, args };
  },
  { anyOf: [{ type: "string" }, { type: "object" }] },
);

/** Absolute path of a file. */
export const path = field(
  (input) => (typeof input === "string" && input.startsWith("/") ? input : refuse(input, "an absolute path")),
  { type: "string", pattern: "^/" },
);

/** An http or https URL. */
export const url = field(
  (input) =>
    typeof input === "string" && /^https?:\/\//.test(input) && URL.canParse(input)
      ? input
      : refuse(input, "a URL that begins with http:// or https://"),
  { type: "string", pattern: "^https?://" },
);

/** Key of an HMAC. */
export const hmacKey = field(
  (input) => {
    const accepted = `a text of ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} bytes, or 0x and as many bytes in hexadecimal digits`;
    if (typeof input !== "string") return refuse(input, accepted);
    const bytes = /^0x([0-9a-f]{2})+$/i.test(input) ? (input.length - 2) / 2 : Buffer.byteLength(input);
    // A secret is not repeated in a message.
    return bytes >= MIN_KEY_BYTES && bytes <= MAX_KEY_BYTES ? input : refuse(`${bytes} bytes`, accepted);
  },
  { type: "string" },
);

/** `provider:Type` of an OCF resource agent, with `ocf:` before it or not. */
export const ocfAgent = field(
  (input) => {
    const [, provider, type] =
      (typeof input === "string" && /^(?:ocf:)?([\w.-]+):([\w.-]+)$/.exec(input)) || [];
    if (provider === undefined) return refuse(input, "PROVIDER:TYPE such as heartbeat:Filesystem");
    return { provider, type };
  },
  { type: "string" },
);

/** Name of something tracked, or a mapping that says what it does to the priority. */
export const tracked = field(
  (input): TrackEntry => {
    const accepted = "a name, or a mapping of name, weight and reverse";
    if (typeof input === "string" && input !== "") return { name: input, weight: 0, reverse: false };
    if (typeof input !== "object" || input === null || Array.isArray(input)) return refuse(input, accepted);
    const { name, weight = 0, reverse = false, ...unknown } = input as Record<string, unknown>;
    const [other] = Object.keys(unknown);
    if (other !== undefined) return refuse(other, accepted);
    if (typeof name !== "string" || name === "") return refuse(name, "a name as name");
    if (!Number.isInteger(weight) || Math.abs(weight as number) > MAX_WEIGHT) {
      return refuse(weight, `a whole number from -${MAX_WEIGHT} to ${MAX_WEIGHT} as weight`);
    }
    if (typeof reverse !== "boolean") return refuse(reverse, "true or false as reverse");
    return { name, weight: weight as number, reverse };
  },
  { anyOf: [{ type: "string" }, { type: "object" }] },
);
