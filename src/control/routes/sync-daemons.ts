/** Routes about sync daemons. */
import { stoppedAnswer, syncDaemonsAnswer } from "../answers.js";
import { parseBody } from "../body.js";
import { nothingBody, roleField, syncDaemonBody } from "../schemas.js";
import { type Route, route } from "./route.js";

export const SYNC_DAEMON_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/sync-daemons",
    summary: "The sync daemons that run, master first",
    body: nothingBody,
    success: 200,
    answer: syncDaemonsAnswer,
    errors: [],
    run: async (operations) => ({ daemons: await operations.syncDaemons() }),
  }),
  route({
    method: "POST",
    path: "/v1/sync-daemons",
    summary: "Starts a sync daemon; one of each role may run",
    body: syncDaemonBody,
    success: 201,
    errors: ["EXISTS", "SYSCALL"],
    run: (operations, { body }) => operations.startSyncDaemon(body),
  }),
  route({
    method: "DELETE",
    path: "/v1/sync-daemons/{role}",
    summary: "Stops the sync daemon of a role; tells whether one ran",
    body: nothingBody,
    success: 200,
    answer: stoppedAnswer,
    errors: [],
    run: async (operations, { path: { role } }) => ({
      stopped: await operations.stopSyncDaemon(parseBody(roleField, role)),
    }),
  }),
];
