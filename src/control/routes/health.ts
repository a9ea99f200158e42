/** The route about health checking. */
import { healthAnswer } from "../health-answers.js";
import { nothingBody } from "../schemas.js";
import { type Route, route } from "./route.js";

export const HEALTH_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/health",
    summary: "Every check with its state, and the last changes",
    body: nothingBody,
    success: 200,
    answer: healthAnswer,
    errors: [],
    run: (operations) => operations.health(),
  }),
];
