/** What `GET /v1/doctor` answers, as schemas. */
import { z } from "zod";
import type { DoctorReport, Finding, MadeRule } from "../core/doctor.js";
import type { Shape } from "./model-schemas.js";

const finding: z.ZodType<Finding> = z
  .strictObject({
    state: z.enum(["ok", "note", "warn", "fail"]),
    subject: z.string(),
    found: z.string(),
    advice: z.string().optional(),
  } satisfies Shape<Finding>)
  .meta({ id: "Finding" });

const madeRule: z.ZodType<MadeRule> = z
  .strictObject({
    text: z.string(),
    meaning: z.string(),
    shownBy: z.string().describe("A command."),
    isPresent: z.boolean().describe("False: somebody else has taken it away."),
  } satisfies Shape<MadeRule>)
  .meta({ id: "MadeRule" });

export const doctorAnswer: z.ZodType<DoctorReport> = z
  .strictObject({
    findings: z.array(finding),
    rules: z.array(madeRule).describe("In the order in which a packet meets them."),
  } satisfies Shape<DoctorReport>)
  .meta({ id: "DoctorReport" });
