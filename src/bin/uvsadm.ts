/** The entry of `uvsadm`: ipvsadm's command line, and before it `--socket PATH` or UVS_SOCKET. */
import { basename } from "node:path";
import { text } from "node:stream/consumers";
import { ControlClient } from "../control/client.js";
import { EXIT } from "../control/ipvsadm/failure.js";
import { SystemNames } from "../control/ipvsadm/names.js";
import { runIpvsadm } from "../control/ipvsadm/run.js";
import { takeSocketOption } from "../control/ipvsadm/socket-option.js";
import { socketPath } from "../control/socket-path.js";
import { UvsError } from "../core/errors.js";

// The reader of a pipe may leave early (`uvsadm -L | head`): that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

// A link named ipvsadm makes messages name ipvsadm.
const program = basename(process.argv[1], ".js");
try {
  const { socket, argv } = takeSocketOption(process.argv.slice(2));
  const client = new ControlClient(socketPath(socket, process.env));
  const result = await runIpvsadm(argv, () => text(process.stdin), client, new SystemNames(), program);
  client.close();
  process.stdout.write(result.stdout);
  process.stderr.write(result.stderr);
  process.exitCode = result.exit;
} catch (thrown) {
  process.stderr.write(`${program}: ${UvsError.from(thrown).message}\n`);
  process.exitCode = EXIT.invalid;
}
