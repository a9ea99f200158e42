/** The health settings of a service as a schema, in bodies and answers alike: complete, every default filled in. */
import { z } from "zod";
import { CHECK_KIND_NAMES } from "../core/check-options.js";
import type { HealthSettings } from "../core/health-settings.js";
import { MAX_INT32 } from "../core/model.js";
import { keys, oneOf, wholeNumber } from "./body.js";
import type { Shape } from "./model-schemas.js";

const MAX_TEXT = 4096;
const MAX_ITEMS = 100;
/** 31 days. */
const MAX_MS = 2_678_400_000;

const text = z.string("a text").max(MAX_TEXT, `a text of at most ${MAX_TEXT} characters`);
const flag = z.boolean("true or false");
const milliseconds = wholeNumber(0, MAX_MS);
const percent = wholeNumber(0, 100);
const texts = z.record(text, text, "an object of texts");

const action = z.union(
  [
    keys({ program: text, args: z.array(text, "a list of texts").max(MAX_ITEMS), env: texts.optional() }),
    keys({ url: text, headers: texts.optional() }),
  ],
  "an object of program, args, env or of url, headers",
);
const actions = z.array(action, "a list of programs and URLs").max(MAX_ITEMS);

const option = z.union(
  [
    text,
    z.number(),
    flag,
    z.array(text).max(MAX_ITEMS),
    z.array(z.record(text, z.union([text, flag]))).max(MAX_ITEMS),
    z.record(text, z.union([text, z.number(), flag])),
  ],
  "a value of a check's option",
);

const check = keys({
  type: z.enum(CHECK_KIND_NAMES as [string, ...string[]], `one of ${CHECK_KIND_NAMES.join(", ")}`),
  options: z.record(text, option, "an object of options").describe("Of the kind of check."),
  target: keys({ address: text.optional(), port: wholeNumber(1, 65535).optional() }).optional(),
  proxyProtocol: z.union([z.literal(0), z.literal(1), z.literal(2)], "0, 1 or 2").optional(),
  timing: keys({
    intervalMs: wholeNumber(10, MAX_INT32),
    fastIntervalMs: wholeNumber(10, MAX_INT32),
    downIntervalMs: wholeNumber(10, MAX_INT32),
    timeoutMs: wholeNumber(1, MAX_INT32),
    jitterPercent: wholeNumber(0, 50),
    warmupMs: wholeNumber(0, MAX_INT32),
    countFrom: oneOf(["start", "end"]),
  }),
  rules: keys({
    rise: wholeNumber(1, 1000),
    fall: wholeNumber(1, 1000),
    initial: oneOf(["up", "down", "fully-up", "fully-down"]),
    damping: keys({ limit: wholeNumber(1, 1000), halfLifeMs: milliseconds, maxMs: milliseconds }).optional(),
  }),
});

/** What is done for the health of a service. */
export const healthModel: z.ZodType<HealthSettings> = keys({
  checks: z.array(check, "a list of checks").max(MAX_ITEMS, `at most ${MAX_ITEMS} checks`),
  onDown: oneOf(["quiesce", "remove"]),
  closeSessions: flag,
  slowStartMs: milliseconds,
  quorum: wholeNumber(1, MAX_INT32),
  hysteresis: wholeNumber(0, MAX_INT32),
  panicPercent: percent,
  quorumUp: actions,
  quorumDown: actions,
  passive: keys({
    errorLimit: wholeNumber(1, 1_000_000),
    onError: oneOf(["eject", "fastinter", "fail-check", "sudden-death", "mark-down"]),
    baseMs: milliseconds,
    maxMs: milliseconds,
    growth: oneOf(["double", "linear"]),
    jitterPercent: wholeNumber(0, 50),
    maxEjectedPercent: percent,
    atLeastOne: flag,
    activeEndsEjection: flag,
  }).optional(),
  alerts: z
    .array(
      keys({
        down: actions,
        up: actions,
        after: keys({ count: wholeNumber(1, 1000).optional(), windowMs: milliseconds.optional() }),
        every: keys({
          intervalMs: milliseconds,
          unlessChanged: oneOf(["summary", "detail", "nothing"]),
          strict: flag,
        }).optional(),
        maxCalls: wholeNumber(1, MAX_INT32).optional(),
        upAfterMs: milliseconds.optional(),
        upAlways: flag.optional(),
        timeoutMs: milliseconds,
      }),
      "a list of alerts",
    )
    .max(MAX_ITEMS, `at most ${MAX_ITEMS} alerts`),
} satisfies Shape<HealthSettings>).meta({ id: "HealthSettings" });
