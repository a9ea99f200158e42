/** Routes about persistence templates. */
import { flushedAnswer, templatesAnswer } from "../answers.js";
import { choiceFor, choiceQuery } from "../choice.js";
import { nothingBody } from "../schemas.js";
import { type Route, route } from "./route.js";

export const TEMPLATE_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/templates",
    summary: "Persistence templates, all or those of a service, realserver or client",
    query: choiceQuery,
    body: nothingBody,
    success: 200,
    answer: templatesAnswer,
    errors: ["NO_SERVICE", "NO_SERVER"],
    run: async (operations, { query }) => ({ templates: await operations.templates(choiceFor(query)) }),
  }),
  route({
    method: "DELETE",
    path: "/v1/templates",
    summary: "Removes all persistence templates; connections go on, new ones are scheduled",
    body: nothingBody,
    success: 200,
    answer: flushedAnswer,
    errors: [],
    run: async (operations) => ({ flushed: await operations.flushTemplates() }),
  }),
];
