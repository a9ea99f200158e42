/** `uvs drain`: no new connections for a realserver, and those that it has come to an end. */
import { parseDuration } from "../../config/duration.js";
import type { Endpoint } from "../../core/address.js";
import { UvsError } from "../../core/errors.js";
import { realserverKey, type ServiceId, serviceKey } from "../../core/model.js";
import { type Command, type CommandContext, ExitCode } from "./command.js";
import { orUsage, parseRealserver, parseService } from "./targets.js";
import { formatAge } from "./units.js";

const LOOK_AGAIN_MS = 1000;

export const drainCommand: Command = {
  name: "drain",
  summary: "quiesces a realserver and lets its connections come to an end",
  usage: "drain SERVICE REALSERVER [--deadline DURATION] [--wait]",
  description: `Sets the realserver's weight to 0, so that it gets no new connections, and remembers the
weight for uvs undrain. Its connections go on until they end.

  --deadline DURATION   resets what is left after so long: 30s, 5m, 1h; a bare number is seconds
  --wait                prints what is left whenever that changes, until nothing is

SERVICE is tcp://10.0.0.1:80, or 10.0.0.1:80 for TCP, or fwmark://8.
REALSERVER is 10.0.0.2:80; without a port it is that of the service.`,
  example: "uvs drain 10.0.0.1:80 10.0.0.2:80 --deadline 5m --wait",
  options: { deadline: { type: "string" }, wait: { type: "boolean" } },
  positionals: [2, 2],
  async run(context, { options, positionals }) {
    const service = parseService(positionals[0]);
    const server = parseRealserver(positionals[1], service);
    const { deadline } = options;
    const deadlineMs =
      deadline === undefined ? undefined : orUsage("--deadline", () => parseDuration(deadline));
    await context.operations.drain(service, server, deadlineMs);
    let left = await printLeft(context, service, server);
    while (options["wait"] && left > 0) {
      await context.sleep(LOOK_AGAIN_MS);
      left = await printLeft(context, service, server, left);
    }
    return ExitCode.OK;
  },
};

/** Prints how many connections are left, if that is not as before. @throws UvsError where it is drained no longer */
async function printLeft(
  { operations, print, nowMs }: CommandContext,
  id: ServiceId,
  server: Endpoint,
  before?: number,
): Promise<number> {
  const left = (await operations.liveConnections({ service: id, realserver: server })).length;
  const [service] = await operations.services(id);
  const key = realserverKey(server);
  const drain = service?.realservers.find((candidate) => realserverKey(candidate) === key)?.drain;
  const name = `${serviceKey(id)} realserver ${key}`;
  if (drain === undefined && left > 0) {
    throw new UvsError("INVALID", `${name} is being drained no longer; ${connections(left)} left`);
  }
  if (left === before) return left;
  const deadline = drain?.deadline;
  const closing = deadline === undefined ? "" : `, closed in ${formatAge(Date.parse(deadline) - nowMs())}`;
  print(left === 0 ? `${name}: drained` : `${name}: ${connections(left)} left${closing}`);
  return left;
}

function connections(count: number): string {
  return count === 1 ? "1 connection" : `${count} connections`;
}
