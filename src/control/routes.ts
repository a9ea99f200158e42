/**
 * The routes of the control API, as data: the server serves this table, and documents are made of it and checked against
 * it. A route happens whole or not at all, because it makes one call of Operations after all of its input was checked.
 */
import { BATCH_ROUTES } from "./routes/batch.js";
import { CONNECTION_ROUTES } from "./routes/connections.js";
import { DIRECTOR_ROUTES } from "./routes/director.js";
import { HA_ROUTES } from "./routes/ha.js";
import { HEALTH_ROUTES } from "./routes/health.js";
import { METRICS_ROUTES } from "./routes/metrics.js";
import { REALSERVER_ROUTES } from "./routes/realservers.js";
import type { Route } from "./routes/route.js";
import { SERVICE_ROUTES } from "./routes/services.js";
import { SYNC_DAEMON_ROUTES } from "./routes/sync-daemons.js";
import { TEMPLATE_ROUTES } from "./routes/templates.js";

/** Every route, grouped by what it is about; the titles are those of `docs/api.md`. */
export const ROUTE_GROUPS: readonly { readonly title: string; readonly routes: readonly Route[] }[] = [
  { title: "The director", routes: DIRECTOR_ROUTES },
  { title: "Virtual services", routes: SERVICE_ROUTES },
  { title: "Realservers", routes: REALSERVER_ROUTES },
  { title: "Health", routes: HEALTH_ROUTES },
  { title: "High availability", routes: HA_ROUTES },
  { title: "Metrics", routes: METRICS_ROUTES },
  { title: "Several changes at once", routes: BATCH_ROUTES },
  { title: "Connections", routes: CONNECTION_ROUTES },
  { title: "Persistence templates", routes: TEMPLATE_ROUTES },
  { title: "Sync daemons", routes: SYNC_DAEMON_ROUTES },
];

export const ROUTES: readonly Route[] = ROUTE_GROUPS.flatMap(({ routes }) => routes);
