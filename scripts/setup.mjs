// Makes a fresh clone ready: installs the dependencies when they are missing or the lock file changed, then
// compiles what changed. Runs before `npm start`, `npm test` and `npm run bench`, so that none needs a step before it.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

/** Runs a command in the repository and ends this script with its exit code when it fails. */
function run(what, command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
  if (result.status !== 0) {
    console.error(`setup: ${what} failed (${command} ${args.join(" ")})`);
    process.exit(result.status ?? 1);
  }
}

// npm writes this file at the end of every install: it is as old as the installation.
const installed = modified(join(root, "node_modules/.package-lock.json"));
if (installed === 0 || installed < modified(join(root, "package-lock.json"))) {
  run("installing dependencies", "npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
}
run("compiling", process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.json"]);
run("bundling", process.execPath, [join(root, "scripts/bundle.mjs")]);
