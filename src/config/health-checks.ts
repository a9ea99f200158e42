/** What must hold between the values of a service's health; as `checks.ts`, it bears values that were refused. */
import { z } from "zod";
import { CHECK_KIND_NAMES, hyphened, OPTIONS_OF_KIND, optionKey } from "../core/check-options.js";
import { UvsError } from "../core/errors.js";
import { foreignOptions, optionsOf } from "./health-config.js";
import { refusal } from "./refuse.js";
import type { FileEntry, ServiceEntry, TryCheck } from "./schema.js";

/** Keys that mean nothing where nothing is checked. */
const NEED_CHECKS = [
  ...(["on-down", "close-sessions", "slow-start", "quorum", "hysteresis", "panic"] as const),
  ...(["quorum-up", "quorum-down", "alerts"] as const),
];

type Report = (path: readonly (string | number)[], message: string) => void;
type Unsure<T> = { readonly [K in keyof T]?: T[K] };

/** The checks as the schema takes them. */
export function healthChecks(tryCheck: TryCheck | undefined) {
  return z.superRefine<FileEntry>(
    (file, context) => {
      if (!Array.isArray(file.services)) return;
      for (const [i, service] of file.services.entries()) {
        if (typeof service !== "object" || service === null) continue;
        checkService(service, tryCheck, (path, message) =>
          context.addIssue({ code: "custom", path: ["services", i, ...path], message }),
        );
      }
    },
    { when: ({ value }) => typeof value === "object" && value !== null },
  );
}

function checkService(service: Unsure<ServiceEntry>, tryCheck: TryCheck | undefined, report: Report): void {
  const { health, passive, quorum = 1, hysteresis = 0 } = service;
  if (health == null && passive === undefined) {
    for (const key of NEED_CHECKS) {
      const value = service[key];
      if (value == null || (Array.isArray(value) && value.length === 0)) continue;
      report([key], "found without health or passive, accepted is it together with one of them");
    }
  }
  if (hysteresis >= quorum && hysteresis > 0) {
    report(["hysteresis"], refusal(hysteresis, `less than the quorum, which is ${quorum}`));
  }
  if (!Array.isArray(health)) return;
  for (const [i, check] of health.entries()) {
    if (typeof check !== "object" || check === null || !CHECK_KIND_NAMES.includes(check.type)) continue;
    checkOptions(check, tryCheck, (path, message) => report(["health", i, ...path], message));
  }
}

function checkOptions(
  check: Readonly<Record<string, unknown>>,
  tryCheck: TryCheck | undefined,
  report: Report,
): void {
  const kind = String(check["type"]);
  const foreign = foreignOptions(check);
  const accepted = OPTIONS_OF_KIND[kind].map(optionKey).join(", ") || "none";
  for (const key of foreign)
    report([key], `found an option that checks of type ${kind} do not have, accepted are ${accepted}`);
  const options = optionsOf(check);
  try {
    if (kind === "external" && options["path"] === undefined) throw missing("path");
    if (kind === "file" && options["path"] === undefined) throw missing("path");
    if (kind === "radius" && options["secret"] === undefined) throw missing("secret");
    if (kind === "tcp-expect" && options["steps"] === undefined) throw missing("steps");
    tryCheck?.(kind, options);
  } catch (error) {
    const { message, details } = UvsError.from(error);
    const field = String(details["field"] ?? "");
    const name = field.split(/[.[]/)[0];
    const key = optionKey(name);
    // The kinds say which option they mean; the file spells it otherwise, and the place names it already.
    const text = message.startsWith(`${field}: `) ? message.slice(field.length + 2) : message;
    const inner = hyphened(field.slice(name.length));
    if (check[key] !== undefined) report([key], inner === "" ? text : `${key}${inner}: ${text}`);
    else report([], name === "" ? text : `${key}${inner}: ${text}`);
  }
}

function missing(field: string): UvsError {
  return new UvsError("INVALID", `${field}: missing`, { details: { field } });
}
