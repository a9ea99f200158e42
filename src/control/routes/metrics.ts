/** The route that Prometheus asks. */
import { z } from "zod";
import { EXPOSITION_TYPE, renderMetrics } from "../../metrics/exposition.js";
import { HA_METRICS } from "../../metrics/ha-metrics.js";
import { nothingBody } from "../schemas.js";
import { type Route, route } from "./route.js";

export const METRICS_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/metrics",
    summary: "Metrics of high availability, as text for Prometheus",
    body: nothingBody,
    success: 200,
    answer: z.string(),
    textType: EXPOSITION_TYPE,
    errors: [],
    run: async (operations) => renderMetrics(HA_METRICS, await operations.haStatus()),
  }),
];
