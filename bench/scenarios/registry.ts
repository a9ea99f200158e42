/** The scenarios in the order in which they run. */
import { bulk } from "./bulk.js";
import { checks } from "./checks.js";
import { connections } from "./connections.js";
import { idle } from "./idle.js";
import { proxyProtocol } from "./proxy-protocol.js";
import type { Scenario } from "./scenario.js";
import { small } from "./small.js";
import { udp } from "./udp.js";

export const SCENARIOS: readonly Scenario[] = [small, connections, proxyProtocol, bulk, udp, idle, checks];
