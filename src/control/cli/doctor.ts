/** `uvs doctor`: what the director needs of its host, and what it has made there. */
import type { DoctorReport, Finding, MadeRule } from "../../core/doctor.js";
import { type Command, ExitCode } from "./command.js";

export const doctorCommand: Command = {
  name: "doctor",
  summary: "finds what keeps clients from being served, and explains the rules in the kernel",
  usage: "doctor [--json]",
  description: `Looks at what the director needs: rights, programs, descriptors, ports, forwarding, reverse path
filtering, its addresses and listening sockets, and for transparent services whether the
answers of realservers come back (it connects to each once, from 192.0.2.1 or 2001:db8::1).
Shows the nftables rules, routing rules and routes that it has made, with what they are for.

  ok    as it should be        warn  may keep clients from being served
  note  worth knowing          FAIL  does keep them from it; the exit status is 1

  --json   the same as JSON, as GET /v1/doctor answers it`,
  example: "uvs doctor",
  options: { json: { type: "boolean" } },
  positionals: [0, 0],
  async run({ operations, print }, { options }) {
    const report = await operations.doctor();
    print(options["json"] ? JSON.stringify(report, null, 2) : render(report));
    return report.findings.some(({ state }) => state === "fail") ? ExitCode.FAILED : ExitCode.OK;
  },
};

function render({ findings, rules }: DoctorReport): string {
  const found = findings.map(renderFinding).join("\n");
  if (rules.length === 0) return `${found}\n\nnothing had to be made in the kernel`;
  return `${found}\n\nmade in the kernel, in the order in which a packet meets it:\n${rules.map(renderRule).join("\n")}`;
}

function renderFinding({ state, subject, found, advice }: Finding): string {
  const line = `${state === "fail" ? "FAIL" : state.padEnd(4)}  ${subject}: ${found}`;
  return advice === undefined ? line : `${line}\n      -> ${advice.replaceAll("\n", "\n         ")}`;
}

function renderRule({ text, meaning, shownBy, isPresent }: MadeRule): string {
  const gone = isPresent ? "" : "GONE  ";
  return `  ${gone}${text}\n      ${meaning}\n      shown by: ${shownBy}`;
}
