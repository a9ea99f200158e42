/** `uvs sysctl`: the kernel's knobs. */
import { SYSCTLS, type SysctlName } from "../../core/sysctls.js";
import { type Command, ExitCode, UsageError } from "./command.js";

const NAMES = Object.keys(SYSCTLS) as SysctlName[];
const MEANINGS = NAMES.map((name) => `  ${name}: ${SYSCTLS[name].meaning}`).join("\n");

export const sysctlCommand: Command = {
  name: "sysctl",
  summary: "shows or sets the kernel's knobs",
  usage: "sysctl [NAME[=VALUE]] [--json]",
  description: `Shows all knobs or one of them, or sets one. They have the names, values and defaults that
they have under net.ipv4.vs., which may stand before a name:

${MEANINGS}

  --json   as JSON`,
  example: "uvs sysctl expire_nodest_conn=1",
  options: { json: { type: "boolean" } },
  positionals: [0, 1],
  completes: NAMES,
  async run({ operations, print }, { options, positionals: [text] }) {
    const { name, value } = parse(text ?? "");
    if (name !== undefined && value !== undefined) await operations.setSysctl(name, value);
    const values = await operations.sysctls();
    const shown = Object.fromEntries(
      (name === undefined ? NAMES : [name]).map((each) => [each, values[each]] as const),
    );
    const lines = Object.entries(shown).map((pair) => pair.join(" = "));
    print(options["json"] ? JSON.stringify(shown, null, 2) : lines.join("\n"));
    return ExitCode.OK;
  },
};

/** Takes `NAME=VALUE` apart; nothing where the text is empty. @throws UsageError */
function parse(text: string): { name?: SysctlName; value?: number } {
  if (text === "") return {};
  const [, name, value] = /^(?:net[./]ipv4[./]vs[./])?([^=]*)(?:=(.*))?$/s.exec(text) ?? [];
  if (name === undefined || !Object.hasOwn(SYSCTLS, name)) {
    throw new UsageError(`there is no sysctl ${JSON.stringify(name ?? text)}; there are ${NAMES.join(", ")}`);
  }
  if (value === undefined) return { name: name as SysctlName };
  if (!/^\d+$/.test(value)) {
    throw new UsageError(`${name}: found ${JSON.stringify(value)}, accepted is a whole number`);
  }
  return { name: name as SysctlName, value: Number(value) };
}
