/** `uvs undrain`: a drained realserver gets its weight back. */
import { realserverKey, serviceKey } from "../../core/model.js";
import { type Command, ExitCode } from "./command.js";
import { parseRealserver, parseService } from "./targets.js";

export const undrainCommand: Command = {
  name: "undrain",
  summary: "gives a drained realserver its weight back",
  usage: "undrain SERVICE REALSERVER",
  description: `Ends what uvs drain has begun: the realserver has the weight again that it had before, and
gets new connections. Connections that were not closed yet stay.

SERVICE and REALSERVER are as for uvs drain.`,
  example: "uvs undrain 10.0.0.1:80 10.0.0.2:80",
  options: {},
  positionals: [2, 2],
  async run({ operations, print }, { positionals }) {
    const id = parseService(positionals[0]);
    const server = parseRealserver(positionals[1], id);
    await operations.undrain(id, server);
    const [service] = await operations.services(id);
    const key = realserverKey(server);
    const now = service?.realservers.find((candidate) => realserverKey(candidate) === key);
    print(`${serviceKey(id)} realserver ${key}: weight ${now?.weight ?? "unknown"}`);
    return ExitCode.OK;
  },
};
