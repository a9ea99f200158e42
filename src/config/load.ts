/** Loads a configuration: text to values, values to a Config, or all errors of the file at once. */
import type { z } from "zod";
import { UvsError } from "../core/errors.js";
import { fileChecks } from "./checks.js";
import { type Config, toConfig } from "./config.js";
import { formatPath, type Path, parseYaml, type TextProblem, type YamlDocument } from "./document.js";
import { haChecks } from "./ha-checks.js";
import { type TryTls, tlsChecks } from "./ha-sync-tls.js";
import { healthChecks } from "./health-checks.js";
import { createPortLookup, type PortLookup } from "./port-names.js";
import { readConfigFile } from "./read-file.js";
import { fileSchema, type TryCheck } from "./schema.js";

/** What loading needs to know from outside. */
export interface LoadOptions {
  /** Names of all schedulers, as messages list them. */
  readonly schedulers: readonly string[];
  /** @default names of /etc/services, and common ones */
  readonly portOf?: PortLookup;
  /** Judges the options of checks. @default they are taken as they are */
  readonly tryCheck?: TryCheck;
  /** Judges the files of `ha.sync.tls`. @default they are not looked at */
  readonly tryTls?: TryTls;
}

/** Most errors that one message lists; further ones are counted. */
const MAX_LISTED = 100;

/**
 * Loads a file.
 * @throws UvsError CONFIG, as `parseConfig`, and where the file cannot be read
 */
export function loadConfig(path: string, options: LoadOptions): Config {
  return parseConfig(readConfigFile(path), path, options);
}

/**
 * Reads the text of a configuration file. Empty text is a configuration without services.
 * @param filename for messages
 * @throws UvsError CONFIG: one line `file:line:column: key: what was found, what is accepted` for each error, in the
 * order of the file; `details.count` says how many there are
 */
export function parseConfig(text: string, filename: string, options: LoadOptions): Config {
  const document = parseYaml(text);
  if (!document.isWellFormed) throw configError(filename, document, document.problems);
  const schema = fileSchema({
    schedulers: options.schedulers,
    portOf: options.portOf ?? createPortLookup(),
  }).check(fileChecks, healthChecks(options.tryCheck), haChecks, tlsChecks(options.tryTls));
  const result = schema.safeParse(document.value ?? {});
  const issues = result.success ? [] : result.error.issues;
  const problems = [...document.problems, ...issues.flatMap((issue) => toProblems(issue, document))];
  if (!result.success || problems.length > 0) throw configError(filename, document, problems);
  return toConfig(result.data);
}

/** An issue of zod at its place; unknown keys of one mapping are one issue, and several problems. */
function toProblems(issue: z.core.$ZodIssue, document: YamlDocument): TextProblem[] {
  const path = issue.path as Path;
  if (issue.code !== "unrecognized_keys") {
    return [{ offset: document.offsetOf(path, "value"), path, message: issue.message }];
  }
  const messages = issue.message.split("\n");
  return issue.keys.map((key, i) => {
    const keyPath = [...path, key];
    return { offset: document.offsetOf(keyPath, "key"), path: keyPath, message: messages[i] };
  });
}

function configError(filename: string, document: YamlDocument, problems: readonly TextProblem[]): UvsError {
  const lines = problems
    .toSorted((a, b) => a.offset - b.offset)
    .slice(0, MAX_LISTED)
    .map(({ offset, path, message }) => {
      const { line, column } = document.positionOf(offset);
      return `${filename}:${line}:${column}: ${formatPath(path)}: ${message}`;
    });
  if (problems.length > MAX_LISTED) lines.push(`... and ${problems.length - MAX_LISTED} more errors`);
  return new UvsError("CONFIG", lines.join("\n"), {
    side: "config",
    details: { file: filename, count: problems.length },
  });
}
