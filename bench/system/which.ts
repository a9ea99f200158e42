/** Finds programs and asks them for their version. */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** The path of a program, undefined when it is not installed. Daemons live in sbin, which users rarely have in PATH. */
export function which(program: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

/** What a program prints on both outputs; empty when it cannot be run. */
export function printed(program: string, ...args: string[]): string {
  const result = spawnSync(program, args, { encoding: "utf8", timeout: 5000 });
  return `${result.stdout ?? ""}${result.stderr ?? ""}`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
