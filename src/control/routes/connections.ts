/** Routes about connections. */
import { connectionsAnswer, connectionTableAnswer, killAnswer } from "../answers.js";
import { choiceFor, choiceQuery, killBody, killChoiceFor } from "../choice.js";
import { nothingBody } from "../schemas.js";
import { type Route, route } from "./route.js";

export const CONNECTION_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/connections",
    summary: "The connections that are being carried, all or those of a service, realserver or client",
    query: choiceQuery,
    body: nothingBody,
    success: 200,
    answer: connectionsAnswer,
    errors: ["NO_SERVICE", "NO_SERVER"],
    run: async (operations, { query }) => ({
      connections: await operations.liveConnections(choiceFor(query)),
    }),
  }),
  route({
    method: "POST",
    path: "/v1/connections/kill",
    summary: "Resets the connections of a service, realserver or client, or all",
    body: killBody,
    success: 200,
    answer: killAnswer,
    errors: ["NO_SERVICE", "NO_SERVER"],
    run: async (operations, { body }) => ({ killed: await operations.killConnections(killChoiceFor(body)) }),
  }),
  route({
    method: "GET",
    path: "/v1/connection-table",
    summary: "The connection table with its persistence templates, as ipvsadm -L -c lists it",
    body: nothingBody,
    success: 200,
    answer: connectionTableAnswer,
    errors: [],
    run: async (operations) => ({ entries: await operations.connections() }),
  }),
];
