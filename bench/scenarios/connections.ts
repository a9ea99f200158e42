/** One request per connection: the cost of accepting, scheduling, connecting and closing. */
import { SMALL_PATH } from "../realserver/realserver.js";
import { httpScenario } from "./http-scenario.js";
import type { PlainScenario } from "./scenario.js";

export const connections: PlainScenario = httpScenario({
  name: "connections",
  title: "New connections: one request each, 64 at a time",
  http: { path: SMALL_PATH, connections: 64, close: true },
  unit: "connection",
  targets: { perSecond: { atLeast: 1.05 } },
});
