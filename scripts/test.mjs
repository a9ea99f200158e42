// Runs the tests that setup.mjs has compiled.
//   npm test                lint, then every test, quick ones first
//   npm test -- wrr e2e/    only the test files whose path contains one of these words
//   npm run test:quick      unit tests and the contract on the net plane: under a minute
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const DIST = join(ROOT, "dist");
/** Folders in the order in which they run: those that fail fastest first. Others follow. */
const ORDER = ["unit", "golden", "contract", "e2e", "lab"];
const QUICK = /^(unit\/|contract\/net)/;
/** Test files at once: processes of their own, some of which start directors. */
const CONCURRENCY = 2;
/** For one test file; the longest of all replays the recordings, some of which last two minutes. */
const FILE_TIMEOUT_MS = { all: 900_000, quick: 120_000 };

const [mode, ...filters] = process.argv.slice(2);
if (mode !== "all" && mode !== "quick") {
  console.error("usage: node scripts/test.mjs all|quick [WORD ...]");
  process.exit(2);
}

function lint() {
  const { status } = spawnSync("node_modules/.bin/biome", ["check", "."], { cwd: ROOT, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}

/** Files below a folder, as paths relative to it with `/`. */
function filesIn(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true }).map((path) => path.split(sep).join("/"));
}

/** The compiler leaves the output of deleted sources behind, and a deleted test must not run. Parts of bundles have none. */
function removeStaleOutput() {
  for (const folder of ["src", "test", "bench"]) {
    for (const path of filesIn(join(DIST, folder))) {
      const isCompiled = path.endsWith(".js") && !path.includes("-parts/");
      if (!isCompiled || existsSync(join(ROOT, folder, path.replace(/\.js$/, ".ts")))) continue;
      for (const suffix of ["", ".map"]) rmSync(join(DIST, folder, path + suffix), { force: true });
    }
  }
}

function rank(path) {
  const index = ORDER.indexOf(path.split("/")[0]);
  return index < 0 ? ORDER.length : index;
}

function testFiles() {
  return filesIn(join(DIST, "test"))
    .filter((path) => path.endsWith(".test.js"))
    .filter((path) => mode === "all" || QUICK.test(path))
    .filter((path) => filters.length === 0 || filters.some((word) => path.includes(word)))
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map((path) => join(DIST, "test", path));
}

removeStaleOutput();
const files = testFiles();
if (files.length === 0) {
  console.error(`test: no test file's path contains ${filters.join(" or ")}`);
  process.exit(2);
}
if (mode === "all" && filters.length === 0) lint();
// Not `node --test`: that would run the files in the order of their names.
run({ files, concurrency: CONCURRENCY, timeout: FILE_TIMEOUT_MS[mode] })
  .on("test:fail", ({ todo }) => {
    if (todo === undefined || todo === false) process.exitCode = 1;
  })
  .compose(new spec())
  .pipe(process.stdout);
