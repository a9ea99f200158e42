/** Routes about virtual services. */
import { UvsError } from "../../core/errors.js";
import { parseServiceKey } from "../../core/service-key.js";
import { listingAnswer, serviceAnswer, servicesAnswer } from "../answers.js";
import { listingQuery, nothingBody, serviceBody, serviceFor, settingsBody, settingsFor } from "../schemas.js";
import { type Route, route } from "./route.js";

export const SERVICE_ROUTES: readonly Route[] = [
  route({
    method: "GET",
    path: "/v1/services",
    summary: "All virtual services with their realservers and counters",
    body: nothingBody,
    success: 200,
    answer: servicesAnswer,
    errors: [],
    run: async (operations) => ({ services: await operations.services() }),
  }),
  route({
    method: "GET",
    path: "/v1/listing",
    summary: "All virtual services as text, as ipvsadm -L -n and -S -n print them",
    query: listingQuery,
    body: nothingBody,
    success: 200,
    answer: listingAnswer,
    errors: [],
    run: async (operations, { query: { format, order, numbers } }) => ({
      text: await operations.listing({ format, sorted: order === "sorted", exact: numbers === "exact" }),
    }),
  }),
  route({
    method: "POST",
    path: "/v1/services",
    summary: "Adds a virtual service, with realservers if given",
    body: serviceBody,
    success: 201,
    errors: ["EXISTS", "NO_SCHEDULER", "RANGE", "ADDRESS_IN_USE", "PERMISSION", "TOO_MANY", "UNSUPPORTED"],
    run: (operations, { body }) => operations.addService(serviceFor(body)),
  }),
  route({
    method: "DELETE",
    path: "/v1/services",
    summary: "Deletes all virtual services",
    body: nothingBody,
    success: 204,
    errors: [],
    run: (operations) => operations.clear(),
  }),
  route({
    method: "GET",
    path: "/v1/services/{key}",
    summary: "One virtual service with its realservers and counters",
    body: nothingBody,
    success: 200,
    answer: serviceAnswer,
    errors: ["NO_SERVICE"],
    run: async (operations, { path: { key } }) => {
      const [service] = await operations.services(parseServiceKey(key));
      // It may be deleted while the director gathers its counters.
      if (service === undefined) throw new UvsError("NO_SERVICE", `there is no service ${key}`);
      return service;
    },
  }),
  route({
    method: "PUT",
    path: "/v1/services/{key}",
    summary: "Replaces the settings of a virtual service; realservers and connections stay",
    body: settingsBody,
    success: 204,
    errors: ["NO_SERVICE", "NO_SCHEDULER", "UNSUPPORTED"],
    run: (operations, { path: { key }, body }) => {
      const id = parseServiceKey(key);
      return operations.editService(id, settingsFor(id, body));
    },
  }),
  route({
    method: "DELETE",
    path: "/v1/services/{key}",
    summary: "Deletes a virtual service; its connections go on",
    body: nothingBody,
    success: 204,
    errors: ["NO_SERVICE"],
    run: (operations, { path: { key } }) => operations.deleteService(parseServiceKey(key)),
  }),
  route({
    method: "POST",
    path: "/v1/services/{key}/zero",
    summary: "Sets the counters of one virtual service to zero",
    body: nothingBody,
    success: 204,
    errors: ["NO_SERVICE"],
    run: (operations, { path: { key } }) => operations.zero(parseServiceKey(key)),
  }),
];
