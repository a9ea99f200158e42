/** The command line of `npm run bench`. */
import { parseArgs } from "node:util";
import type { Profile } from "./scenarios/scenario.js";

/** What the bench is asked to do. */
export interface Options {
  readonly help: boolean;
  readonly profile: Profile;
  /** Names, in the order of the registries. */
  readonly scenarios: readonly string[];
  readonly peers: readonly string[];
  readonly jsonFile: string | undefined;
  readonly markdown: boolean;
  readonly updateReadme: boolean;
  /** What TCP sockets use; `system`: what the system has them use. */
  readonly congestion: string;
}

/** Every name that may be chosen. */
export interface Choices {
  readonly scenarios: readonly string[];
  readonly peers: readonly string[];
  /** Scenarios of the quick profile. */
  readonly quick: readonly string[];
  /** Peers of the quick profile. */
  readonly quickPeers: readonly string[];
}

const FULL: Profile = { name: "full", rounds: 5, warmUpSeconds: 1, seconds: 4 };
const QUICK: Profile = { name: "quick", rounds: 2, warmUpSeconds: 1, seconds: 1 };
const MOST_ROUNDS = 50;

/**
 * Reads the command line.
 * @throws Error naming the option, what was found and what is accepted
 */
export function parseOptions(args: readonly string[], choices: Choices): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", short: "h", default: false },
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      only: { type: "string", multiple: true },
      peers: { type: "string", multiple: true },
      json: { type: "string" },
      markdown: { type: "boolean", default: false },
      "update-readme": { type: "boolean", default: false },
      congestion: { type: "string", default: "cubic" },
    },
  });
  const profile = values.quick ? QUICK : FULL;
  return {
    help: values.help,
    profile: values.rounds === undefined ? profile : { ...profile, rounds: parseRounds(values.rounds) },
    scenarios: select("--only", values.only ?? (values.quick ? choices.quick : undefined), choices.scenarios),
    peers: select("--peers", values.peers ?? (values.quick ? choices.quickPeers : undefined), choices.peers),
    jsonFile: values.json,
    markdown: values.markdown,
    updateReadme: values["update-readme"],
    congestion: values.congestion,
  };
}

/** What `--help` prints. */
export function usage(choices: Choices): string {
  return `npm run bench -- [options]

  --quick            ${QUICK.rounds} rounds of ${QUICK.seconds} s instead of ${FULL.rounds} of ${FULL.seconds} s: under two minutes, rough figures;
                     of ${choices.quick.join(", ")} unless --only says otherwise,
                     beside ${choices.quickPeers.join(", ")} unless --peers says otherwise
  --rounds N         1 to ${MOST_ROUNDS}
  --only SCENARIOS   of ${choices.scenarios.join(", ")}
  --peers PEERS      of ${choices.peers.join(", ")}
  --json FILE        every sample and the summary, as JSON
  --congestion NAME  congestion control, in a network namespace of the bench's own (needs root); cubic unless told;
                     system: no namespace, and what the system uses
  --markdown         print Markdown instead of text
  --update-readme    put the result into bench/README.md, and samples and chart into bench/results/ (otherwise: last.tmp in it)
`;
}

function parseRounds(text: string): number {
  const rounds = /^\d+$/.test(text) ? Number(text) : 0;
  if (rounds >= 1 && rounds <= MOST_ROUNDS) return rounds;
  throw new Error(`--rounds: found "${text}", accepted is a whole number from 1 to ${MOST_ROUNDS}`);
}

/** Names separated by commas or by repeating the option; all when there are none. */
function select(option: string, given: readonly string[] | undefined, known: readonly string[]): string[] {
  if (given === undefined) return [...known];
  const names = given.flatMap((list) => list.split(",")).map((name) => name.trim());
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return known.filter((name) => names.includes(name));
  throw new Error(`${option}: found "${unknown}", accepted are ${known.join(", ")}`);
}
