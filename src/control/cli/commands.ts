/** The commands of `uvs`, in the order of its help. */
import type { Command } from "./command.js";
import { reloadCommand } from "./reload.js";
import { statusCommand } from "./status.js";

export const COMMANDS: readonly Command[] = [statusCommand, reloadCommand];
