/** The keys of a service that are about the health of its realservers. */
import { z } from "zod";
import {
  CHECK_KIND_NAMES,
  CHECK_OPTIONS,
  type CheckOptionForm,
  type CheckOptionSpec,
  hyphened,
  optionKey,
  TLS_OPTIONS,
} from "../core/check-options.js";
import type { CheckOption } from "../core/health-settings.js";
import { parseAddress, requireText } from "./endpoint.js";
import { choice, duration, field, flag, integer, list, section, text } from "./fields.js";
import { refuse } from "./refuse.js";

const MAX_TEXT = 4096;
const anyText = text(MAX_TEXT, `text of at most ${MAX_TEXT} bytes`);
/** By the number of the version. */
export const CHECK_HEADERS = ["none", "v1", "v2"] as const;
const BIG = 2_147_483_647;

/** Steps of a dialogue by their keys. */
const STEP_KEYS: Readonly<Record<string, string>> = {
  send: "send",
  "send-hex": "sendHex",
  expect: "expect",
  "expect-hex": "expectHex",
  "expect-regex": "expectRegex",
  end: "end",
};

const FORMS: Readonly<Record<CheckOptionForm, z.ZodType<CheckOption | undefined>>> = {
  text: anyText.optional(),
  number: field((input) => (typeof input === "number" ? input : refuse(input, "a number")), {
    type: "number",
  }).optional(),
  flag: flag().optional(),
  texts: field(parseTexts, { type: "array", items: { type: "string" } }).optional(),
  mapping: field(parseMapping, { type: "object", additionalProperties: { type: "string" } }).optional(),
  tls: field(parseTls, { type: "object" }).optional(),
  steps: field(parseSteps, { type: "array", items: { type: "object" } }).optional(),
};

/** The options of all kinds, by their keys in the file; which belong to a kind is checked with the whole. */
const options = Object.fromEntries(
  Object.entries(CHECK_OPTIONS).map(([name, { form, meaning }]) => [
    optionKey(name),
    FORMS[form].describe(meaning),
  ]),
);

const action = field(parseAction, { anyOf: [{ type: "string" }, { type: "object" }] });
const actions = (meaning: string) => list(action, "programs and URLs").describe(meaning);

const check = section({
  type: choice(CHECK_KIND_NAMES).describe("Kind of the check."),
  interval: duration("10ms", "1d").prefault("2s").describe("Between the starts of two probes."),
  "fast-interval": duration("10ms", "1d").optional().describe("Interval on the way up or down."),
  "down-interval": duration("10ms", "1d").optional().describe("Interval while it is down."),
  timeout: duration("1ms", "1h").optional().describe("Of a whole probe; the interval, at most 5s."),
  jitter: integer(0, 50).prefault(3).describe("Percent by which intervals vary at random."),
  warmup: duration("0s", "1h")
    .optional()
    .describe("First probes are spread over this time; the interval, at most 2s."),
  "count-from": choice(["start", "end"])
    .prefault("start")
    .describe("Whether the interval counts from the start of a probe or from its end."),
  rise: integer(1, 1000).prefault(2).describe("Passed probes in a row to go up."),
  fall: integer(1, 1000).prefault(3).describe("Failed probes in a row to go down."),
  initial: choice(["up", "down", "fully-up", "fully-down"])
    .prefault("down")
    .describe(
      "State of a new realserver before the first result: up is one failure from down, down one success from up. One that is in service when checks are added or changed stays so until a check fails.",
    ),
  damping: flag()
    .prefault(false)
    .describe(
      "Keeps a check that flaps (down four times in a minute or two) down for up to 5 minutes; never the last realserver whose checks pass.",
    ),
  address: field(parseAim, { type: "string" }).optional().describe("Aims the check at another address."),
  port: integer(1, 65535).optional().describe("Aims the check at another port."),
  "proxy-protocol": choice(CHECK_HEADERS)
    .optional()
    .describe(
      "PROXY protocol header of a check over TCP. Without this key that of the realserver, and none where the check is aimed elsewhere.",
    ),
  ...options,
});

const alert = section({
  down: actions("Called while a realserver is down: paths of programs with arguments, or URLs."),
  up: actions("Called when it is up again."),
  after: integer(1, 1000).prefault(1).describe("Failed probes before the first call."),
  "after-time": duration("1s", "31d")
    .optional()
    .describe("They may come within this time instead of in a row."),
  every: duration("1s", "31d").optional().describe("Least time between two calls of one failure."),
  "unless-changed": choice(["summary", "detail", "nothing"])
    .prefault("summary")
    .describe("What lets a call through before its time."),
  strict: flag().prefault(false).describe("The time of every goes on counting over a success."),
  "max-calls": integer(1, BIG).optional().describe("Calls per failure at most."),
  "up-after": duration("0s", "31d").optional().describe("up only after a failure of this time."),
  "up-always": flag().prefault(false).describe("up also where down was not called."),
  timeout: duration("1s", "1h").prefault("30s").describe("Of each call."),
});

const passive = section({
  "error-limit": integer(1, 1_000_000).prefault(5).describe("Failed connections in a row."),
  "on-error": choice(["eject", "fastinter", "fail-check", "sudden-death", "mark-down"])
    .prefault("eject")
    .describe("What they do: eject for a while, or HAProxy's on-error on the checks."),
  base: duration("1s", "1d").prefault("10s").describe("First ejection."),
  max: duration("1s", "1d").prefault("5m").describe("Longest ejection."),
  growth: choice(["double", "linear"]).prefault("double").describe("How further ejections grow."),
  jitter: integer(0, 50).prefault(10).describe("Percent by which ejections vary."),
  "max-ejected": integer(0, 100)
    .prefault(50)
    .describe("Percent of the realservers that may be ejected at once."),
  "at-least-one": flag()
    .prefault(true)
    .describe("One may be ejected even where the share allows none; never the last usable one."),
  "check-ends": flag().prefault(true).describe("A passed check ends an ejection."),
});

/** Keys of a service. */
export const healthShape = {
  health: z
    .preprocess(
      (input) => (input === undefined || Array.isArray(input) ? input : [input]),
      z.array(check, "found something else, accepted is a check or a list of checks"),
    )
    .optional()
    .describe("A check of each realserver, or a list of checks that must all pass."),
  "on-down": choice(["quiesce", "remove"])
    .optional()
    .describe("What happens to a realserver that is down: weight 0 (the default), or out of the table."),
  "close-sessions": flag().optional().describe("Resets the connections of a realserver that goes down."),
  "slow-start": duration("0s", "1d").optional().describe("Time in which the weight grows after a return."),
  quorum: integer(1, BIG).optional().describe("Sum of weights that must be up; 1 by default."),
  hysteresis: integer(0, BIG).optional().describe("How far below the quorum it may sink; 0 by default."),
  panic: integer(0, 100)
    .optional()
    .describe("Below this percentage of usable realservers all are used; 0, the default, is off."),
  "quorum-up": actions("Called when the quorum is there again."),
  "quorum-down": actions("Called when the quorum is lost."),
  passive: passive
    .optional()
    .describe("Failed connections of clients take a realserver out for a while; {} takes all defaults."),
  alerts: list(alert, "alerts").describe("Whom to call when a realserver goes down or up, or is ejected."),
};

function isMapping(input: unknown): input is Record<string, unknown> {
  return typeof input === "object" && input !== null && !Array.isArray(input);
}

function parseAim(input: unknown): string {
  const accepted = "an IP address";
  const text = requireText(input, accepted);
  return parseAddress(text, { text, accepted });
}

function parseTexts(input: unknown): string[] {
  if (Array.isArray(input) && input.every((item) => typeof item === "string")) return input;
  return refuse(input, "a list of texts");
}

function parseMapping(input: unknown): Record<string, string> {
  if (isMapping(input) && Object.values(input).every((value) => typeof value === "string")) {
    return { ...(input as Record<string, string>) };
  }
  return refuse(input, "a mapping of names to texts");
}

function parseTls(input: unknown): Record<string, string | number | boolean> {
  if (input === true) return {};
  const names = Object.keys(TLS_OPTIONS);
  if (!isMapping(input)) return refuse(input, `true, or a mapping of ${names.map(hyphened).join(", ")}`);
  return Object.fromEntries(
    Object.entries(input).map(([key, value]) => {
      const name = names.find((other) => hyphened(other) === key);
      if (name === undefined) return refuse(key, `a key of ${names.map(hyphened).join(", ")}`);
      const { form } = (TLS_OPTIONS as Readonly<Record<string, CheckOptionSpec>>)[name];
      const type = { text: "string", flag: "boolean", number: "number" }[form as "text" | "flag" | "number"];
      if (typeof value !== type) return refuse(value, `a ${form} as ${key}`);
      return [name, value as string];
    }),
  );
}

function parseSteps(input: unknown): Record<string, string | boolean>[] {
  const accepted = `a list of steps, each with one of ${Object.keys(STEP_KEYS).join(", ")}`;
  if (!Array.isArray(input)) return refuse(input, accepted);
  return input.map((step) => {
    const [entry, ...more] = isMapping(step) ? Object.entries(step) : [];
    const name = entry && more.length === 0 ? STEP_KEYS[entry[0]] : undefined;
    if (entry === undefined || name === undefined) return refuse(step, accepted);
    const [key, value] = entry;
    if (name === "end" ? value !== true : typeof value !== "string") {
      return refuse(value, name === "end" ? "end: true" : `${key} with a text`);
    }
    return { [name]: value as string | boolean };
  });
}

/** A program or a URL: `/path/to/program argument ...`, `https://...`, or a mapping. */
function parseAction(input: unknown) {
  const accepted =
    "the absolute path of a program with its arguments, a URL, or a mapping of program, args, env or of url, headers";
  if (typeof input === "string") {
    if (/^https?:\/\//.test(input)) return { url: input };
    const [program, ...args] = input.split(/\s+/).filter((word) => word !== "");
    return program?.startsWith("/") ? { program, args } : refuse(input, accepted);
  }
  if (!isMapping(input)) return refuse(input, accepted);
  const { program, args = [], env, url, headers, ...unknown } = input;
  const [other] = Object.keys(unknown);
  if (other !== undefined) return refuse(other, accepted);
  if (typeof url === "string" && /^https?:\/\//.test(url) && program === undefined && env === undefined) {
    return { url, ...(headers !== undefined && { headers: parseMapping(headers) }) };
  }
  if (typeof program !== "string" || !program.startsWith("/") || headers !== undefined || url !== undefined) {
    return refuse(input, accepted);
  }
  return { program, args: parseTexts(args), ...(env !== undefined && { env: parseMapping(env) }) };
}
