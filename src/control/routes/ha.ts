/** Routes about high availability. */
import type { z } from "zod";
import { haAnswer, haChoiceBody } from "../ha-schemas.js";
import type { Operations } from "../operations.js";
import { nothingBody } from "../schemas.js";
import { type Route, route } from "./route.js";

type Choice = z.output<typeof haChoiceBody>;

/** A command to the instances that the body chooses. */
function command(
  name: string,
  summary: string,
  run: (operations: Operations, choice: Choice) => Promise<void>,
): Route {
  return route({
    method: "POST",
    path: `/v1/ha/${name}`,
    summary,
    body: haChoiceBody,
    success: 204,
    errors: ["NO_INSTANCE", "UNSUPPORTED"],
    run: (operations, { body }) => run(operations, body),
  });
}

export const HA_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/ha",
    summary: "Every instance with its state, priority, peers and counters",
    body: nothingBody,
    success: 200,
    answer: haAnswer,
    errors: [],
    run: (operations) => operations.haStatus(),
  }),
  command("standby", "Gives up what is held, and stays away until takeover or clear", (operations, choice) =>
    operations.haStandby(choice),
  ),
  command("takeover", "Becomes master now", (operations, choice) => operations.haTakeover(choice)),
  command("clear", "Ends standby and forgets failures of resources", (operations, choice) =>
    operations.haClear(choice),
  ),
];
