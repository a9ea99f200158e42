/** The scenarios in the order in which they run. */
import { besideIdle } from "./beside-idle.js";
import { bulk, medium, upload } from "./bulk.js";
import { checks } from "./checks.js";
import { connections } from "./connections.js";
import { features } from "./features.js";
import { halfOpen } from "./half-open.js";
import { idle } from "./idle.js";
import { latency } from "./latency.js";
import { netPlane } from "./net-plane.js";
import { proxyProtocol } from "./proxy-protocol.js";
import type { Scenario } from "./scenario.js";
import { slowReaders } from "./slow-readers.js";
import { small, small1, small1000 } from "./small.js";
import { start } from "./start.js";
import { storm } from "./storm.js";
import { transparent } from "./transparent.js";
import { udp } from "./udp.js";

export const SCENARIOS: readonly Scenario[] = [
  small,
  small1,
  small1000,
  latency,
  besideIdle,
  halfOpen,
  connections,
  storm,
  medium,
  bulk,
  upload,
  udp,
  idle,
  slowReaders,
  start,
  netPlane,
  features,
  proxyProtocol,
  transparent,
  checks,
];

/** Those that say most in little time: what `--quick` runs unless it is told otherwise. */
export const QUICK_SCENARIOS: readonly string[] = [small, connections, bulk, idle].map(({ name }) => name);
