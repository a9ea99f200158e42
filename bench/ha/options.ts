/** The command line of `npm run bench:ha`. */
import { parseArgs } from "node:util";

/** What the bench is asked to do. */
export interface HaOptions {
  readonly help: boolean;
  /** Of each cell. */
  readonly runs: number;
  readonly events: readonly string[];
  /** Products that take part; rows with others are left out. */
  readonly directors: readonly string[];
  readonly jsonFile: string | undefined;
  readonly markdown: boolean;
  readonly updateReadme: boolean;
}

const RUNS = 10;
const DIRECTORS = ["uvs", "keepalived"];
const MOST_RUNS = 1000;

/** Reads the command line. @throws Error naming the option, what was found and what is accepted */
export function parseHaOptions(args: readonly string[], known: readonly string[]): HaOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", short: "h", default: false },
      runs: { type: "string", default: String(RUNS) },
      only: { type: "string", multiple: true, default: [] },
      directors: { type: "string", multiple: true, default: [] },
      json: { type: "string" },
      markdown: { type: "boolean", default: false },
      "update-readme": { type: "boolean", default: false },
    },
  });
  const runs = /^\d+$/.test(values.runs) ? Number(values.runs) : 0;
  if (runs < 1 || runs > MOST_RUNS) {
    throw new Error(`--runs: found "${values.runs}", accepted is a whole number from 1 to ${MOST_RUNS}`);
  }
  return {
    help: values.help,
    runs,
    events: select("--only", values.only, known),
    directors: select("--directors", values.directors, DIRECTORS),
    jsonFile: values.json,
    markdown: values.markdown,
    updateReadme: values["update-readme"],
  };
}

/** Names separated by commas or by repeating the option; all when there are none. */
function select(option: string, given: readonly string[], known: readonly string[]): readonly string[] {
  const asked = given.flatMap((list) => list.split(",")).map((name) => name.trim());
  const unknown = asked.find((name) => !known.includes(name));
  if (unknown === undefined) return asked.length === 0 ? known : asked;
  throw new Error(`${option}: found "${unknown}", accepted are ${known.join(", ")}`);
}

/** What `--help` prints. */
export function usage(events: readonly string[]): string {
  return `npm run bench:ha -- [options]      (needs root, and keepalived to compare with)

  --runs N           of each cell [${RUNS}]
  --only EVENTS      of ${events.join(", ")}
  --directors NAMES  of ${DIRECTORS.join(", ")}
  --json FILE        every run, as JSON
  --markdown         print Markdown instead of text
  --update-readme    put the result into bench/README.md
`;
}
