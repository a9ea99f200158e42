/** Shows and explains what the director has made in the kernel, and finds what somebody else has taken away. */
import type { Family } from "../../core/address.js";
import type { MadeRule } from "../../core/doctor.js";
import { type Command, ipCommand, type RunProgram } from "./programs.js";
import { familiesOf, hex, type KernelRules, type Ruleset } from "./ruleset.js";

/** Looks each of these rules up. Without the programs, or the right to use them, none is found. */
export async function inspectRules(
  ruleset: Ruleset,
  rules: KernelRules,
  run: RunProgram,
): Promise<MadeRule[]> {
  const families = familiesOf(rules);
  if (families.length === 0) return [];
  const output = (command: Command): Promise<string> =>
    run(command).then(
      ({ output }) => output,
      () => "",
    );
  const table = await output(ruleset.listing);
  const made: MadeRule[] = ruleset.lines(rules).map(({ text, meaning }, index) => ({
    text,
    meaning,
    shownBy: `nft list table inet ${ruleset.table}`,
    isPresent: markingLines(table).length > index,
  }));
  for (const family of families) made.push(...(await inspectRouting(ruleset, family, output)));
  return made;
}

/** The kernel prints rules in other words than they were given in; each of ours sets the mark. */
function markingLines(table: string): string[] {
  return table.split("\n").filter((line) => line.includes("meta mark set"));
}

async function inspectRouting(
  { mark, routes, routing }: Ruleset,
  family: Family,
  output: (command: Command) => Promise<string>,
): Promise<MadeRule[]> {
  const [rules, table] = await Promise.all([
    output(ipCommand(family, "rule show")),
    output(ipCommand(family, `route show table ${routes}`)),
  ]);
  const marked = rules.split("\n").filter((line) => line.includes(`fwmark ${hex(mark)}`));
  return routing.map(({ object, words, meaning }) => ({
    text: `ip -${family} ${object} add ${words}`,
    meaning,
    shownBy: object === "rule" ? `ip -${family} rule show` : `ip -${family} route show table ${routes}`,
    isPresent:
      object === "route"
        ? table.includes("local default")
        : marked.some((line) => line.includes("iif lo") === words.includes("iif lo")),
  }));
}
