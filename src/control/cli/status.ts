/** `uvs status`: what the director does now. */
import { type Command, ExitCode } from "./command.js";
import { renderStatus } from "./status-view.js";

export const statusCommand: Command = {
  name: "status",
  summary: "shows forwarders, services and realservers with their counters",
  usage: "status [--json]",
  description: `Shows the director, its forwarder generations, and all services with their realservers:
forwarding method asked for and what carries the connections, weight, active and inactive
connections, all connections since the last zeroing, bytes from (In) and to (Out) the
clients, how long connecting to the realserver took, and how long connections lived.
Realservers that are being drained, and deleted ones that still have connections
(leaving), say so in the last column.

  --json   the same as JSON, as GET /v1/status of the control socket answers it`,
  example: "uvs status --json",
  options: { json: { type: "boolean" } },
  positionals: [0, 0],
  async run({ operations, print, nowMs }, { options }) {
    const status = await operations.status();
    print(options["json"] ? JSON.stringify(status, null, 2) : renderStatus(status, nowMs()));
    return ExitCode.OK;
  },
};
