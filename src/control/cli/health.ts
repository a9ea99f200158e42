/** `uvs health`: what the checks say of each realserver. */
import type {
  CheckStatus,
  HealthChange,
  HealthStatus,
  RealserverHealthStatus,
  ServiceHealthStatus,
} from "../../core/health-status.js";
import { type Command, ExitCode } from "./command.js";
import { renderTable } from "./table.js";
import { formatAge, formatDuration } from "./units.js";

const HEAD = [
  ...["Realserver / check", "State", "For", "Progress", "Weight", "Passed", "Failed", "Next", "Took"],
  "Reason",
];
const RIGHT = new Set([2, 4, 5, 6, 7, 8]);
const CHANGE_HEAD = ["At", "Service", "Realserver", "Check", "From", "To", "Reason"];

export const healthCommand: Command = {
  name: "health",
  summary: "shows the checks of the realservers with their last results",
  usage: "health [--history] [--json]",
  description: `Shows each service that is checked with its quorum, its realservers with state and weight
(as it is, and as it is set to), and their checks: state and for how long, how near to a
change (3/3: three failures from down), results so far, when it runs next, how long the
last one took, and what it said.

  --history   the last changes, oldest first
  --json      all of it as JSON, as GET /v1/health answers it`,
  example: "uvs health --history",
  options: { history: { type: "boolean" }, json: { type: "boolean" } },
  positionals: [0, 0],
  async run({ operations, print, nowMs }, { options }) {
    const health = await operations.health();
    if (options["json"]) print(JSON.stringify(health, null, 2));
    else print(options["history"] ? renderChanges(health.changes) : renderHealth(health, nowMs()));
    return ExitCode.OK;
  },
};

function renderHealth({ services }: HealthStatus, nowMs: number): string {
  if (services.length === 0) return "no service is checked";
  return services.map((service) => renderService(service, nowMs)).join("\n\n");
}

function renderService({ key, up, weight, quorum, realservers }: ServiceHealthStatus, nowMs: number): string {
  const rows = realservers.flatMap((server) => [
    realserverRow(server, nowMs),
    ...server.checks.map((check) => checkRow(check, nowMs)),
  ]);
  const title = `${key}: ${up ? "up" : "quorum lost"}, weight ${weight}, quorum ${quorum.up}`;
  return `${title}\n${renderTable([HEAD, ...rows], RIGHT)}`;
}

function realserverRow(server: RealserverHealthStatus, nowMs: number): readonly string[] {
  const { key, state, since, present, weight, configuredWeight, reason } = server;
  const words = present ? state : `${state}, removed`;
  return [key, words, age(since, nowMs), "", `${weight}/${configuredWeight}`, "", "", "", "", reason];
}

function checkRow(check: CheckStatus, nowMs: number): readonly string[] {
  const { name, state, since, progress, passed, failed, isRunning, nextRun, last } = check;
  return [
    `  ${name}`,
    state,
    age(since, nowMs),
    progress,
    "",
    `${passed}`,
    `${failed}`,
    isRunning ? "now" : formatDuration(Math.max(0, Date.parse(nextRun) - nowMs)),
    last === undefined ? "-" : formatDuration(last.durationMs),
    last === undefined ? "no result yet" : `${last.code} ${last.reason}`,
  ];
}

function renderChanges(changes: readonly HealthChange[]): string {
  if (changes.length === 0) return "no changes";
  const rows = changes.map(({ at, service, realserver, check, from, to, reason }) => [
    at,
    service,
    realserver ?? "",
    check ?? "",
    from,
    to,
    reason,
  ]);
  return renderTable([CHANGE_HEAD, ...rows]);
}

function age(since: string, nowMs: number): string {
  return formatAge(nowMs - Date.parse(since));
}
