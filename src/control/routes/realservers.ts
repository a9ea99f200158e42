/** Routes about realservers of one virtual service. */
import { parseRealserverKey, parseServiceKey } from "../../core/service-key.js";
import { drainBody, nothingBody, realserverBody, realserverFor, realserverSettingsBody } from "../schemas.js";
import { type Route, route } from "./route.js";

export const REALSERVER_ROUTES: readonly Route[] = [
  route({
    method: "POST",
    path: "/v1/services/{key}/realservers",
    summary: "Adds a realserver to a virtual service",
    body: realserverBody,
    success: 201,
    errors: ["NO_SERVICE", "EXISTS", "RANGE", "TOO_MANY", "UNSUPPORTED"],
    run: (operations, { path: { key }, body }) =>
      operations.addRealserver(parseServiceKey(key), realserverFor(body, body)),
  }),
  route({
    method: "PUT",
    path: "/v1/services/{key}/realservers/{server}",
    summary: "Replaces the settings of a realserver; its connections stay",
    body: realserverSettingsBody,
    success: 204,
    errors: ["NO_SERVICE", "NO_SERVER", "RANGE", "UNSUPPORTED"],
    run: (operations, { path: { key, server }, body }) =>
      operations.editRealserver(parseServiceKey(key), realserverFor(parseRealserverKey(server), body)),
  }),
  route({
    method: "DELETE",
    path: "/v1/services/{key}/realservers/{server}",
    summary: "Deletes a realserver from a virtual service",
    body: nothingBody,
    success: 204,
    errors: ["NO_SERVICE", "NO_SERVER"],
    run: (operations, { path: { key, server } }) =>
      operations.deleteRealserver(parseServiceKey(key), parseRealserverKey(server)),
  }),
  route({
    method: "PUT",
    path: "/v1/services/{key}/realservers/{server}/drain",
    summary: "Quiesces a realserver; after the deadline, if given, its connections are reset",
    body: drainBody,
    success: 204,
    errors: ["NO_SERVICE", "NO_SERVER"],
    run: (operations, { path: { key, server }, body }) =>
      operations.drain(parseServiceKey(key), parseRealserverKey(server), body?.deadlineMs),
  }),
  route({
    method: "DELETE",
    path: "/v1/services/{key}/realservers/{server}/drain",
    summary: "Gives a drained realserver its weight back",
    body: nothingBody,
    success: 204,
    errors: ["NO_SERVICE", "NO_SERVER"],
    run: (operations, { path: { key, server } }) =>
      operations.undrain(parseServiceKey(key), parseRealserverKey(server)),
  }),
];
