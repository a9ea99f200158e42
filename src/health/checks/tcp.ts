/** Check kind `connect`: passes once the TCP connection is established (HAProxy's default, ldirectord's `connect`). */
import { type Checker, passed } from "../checker.js";
import { converse } from "./dialogue.js";

/** The check has no options. */
export type ConnectOptions = Readonly<Record<string, never>>;

/** Makes a checker that connects and resets. */
export function connectCheck(_options: ConnectOptions = {}): Checker {
  return {
    kind: "connect",
    name: "tcp connect",
    key: "connect",
    probe: (probe) => converse(probe, undefined, () => passed("L4OK", "connected")),
  };
}
