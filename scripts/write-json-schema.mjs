// Writes docs/uvs.schema.json from the configuration's schema. Build first; an argument names another build folder.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = resolve(root, process.argv[2] ?? "dist");
const load = (path) => import(pathToFileURL(resolve(dist, path)).href);

const { configJsonSchema } = await load("src/config/json-schema.js");
const { SCHEDULER_NAMES } = await load("src/schedulers/registry.js");

const target = resolve(root, "docs/uvs.schema.json");
writeFileSync(target, `${JSON.stringify(configJsonSchema(SCHEDULER_NAMES), null, 2)}\n`);
execFileSync(resolve(root, "node_modules/.bin/biome"), ["format", "--write", target], { cwd: root });
