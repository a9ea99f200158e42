/** The commands of `uvs`, in the order of its help. */
import type { Command } from "./command.js";
import { completionCommand } from "./completion.js";
import { configCommand } from "./config.js";
import { connsCommand } from "./conns.js";
import { diffCommand } from "./diff.js";
import { doctorCommand } from "./doctor.js";
import { drainCommand } from "./drain.js";
import { haCommand } from "./ha.js";
import { healthCommand } from "./health.js";
import { killCommand } from "./kill.js";
import { reloadCommand } from "./reload.js";
import { statusCommand } from "./status.js";
import { sysctlCommand } from "./sysctl.js";
import { templatesCommand } from "./templates.js";
import { undrainCommand } from "./undrain.js";

export const COMMANDS: readonly Command[] = [
  statusCommand,
  healthCommand,
  haCommand,
  doctorCommand,
  connsCommand,
  killCommand,
  templatesCommand,
  drainCommand,
  undrainCommand,
  configCommand,
  diffCommand,
  reloadCommand,
  sysctlCommand,
  completionCommand(() => COMMANDS),
];
