/** The least that Node can do: one process, every connection two `pipe()`s of node:net. What `uvs-net` is held against. */
import { fileURLToPath } from "node:url";
import { text } from "../system/loopback.js";
import type { Peer } from "./peer.js";

const program = fileURLToPath(new URL("./pipe-program.js", import.meta.url));

export const pipe: Peer = {
  name: "pipe",
  unavailable: () => undefined,
  prepare: (_directory, { vip, realservers }) => [
    process.execPath,
    program,
    text(vip),
    ...realservers.map(text),
  ],
};
