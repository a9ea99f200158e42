/** The entry of `uvs`. */

import { setTimeout } from "node:timers/promises";
import { runUvs } from "../control/cli/run.js";
import { ControlClient } from "../control/client.js";
import { packageVersion } from "./package-version.js";

// The reader of a pipe may leave early (`uvs status | head`): that is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

process.exitCode = await runUvs(process.argv.slice(2), {
  environment: process.env,
  version: packageVersion(),
  nowMs: Date.now,
  sleep: (ms) => setTimeout(ms),
  connect: (path) => new ControlClient(path),
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
});
