/** The route of several changes that happen together. */
import { batchAnswer } from "../answers.js";
import { batchBody, changesFor, MAX_BATCH_BYTES } from "../batch.js";
import { type Route, route } from "./route.js";

export const BATCH_ROUTES: readonly Route[] = [
  route({
    method: "POST",
    path: "/v1/batch",
    summary: "Makes several changes in order, or none of them; answers what was refused",
    body: batchBody,
    maxBodyBytes: MAX_BATCH_BYTES,
    success: 200,
    answer: batchAnswer,
    errors: [],
    run: async (operations, { body }) => {
      const { changes, misfits } = changesFor(body);
      return { refusals: misfits.length > 0 ? misfits : await operations.applyAtomically(changes) };
    },
  }),
];
