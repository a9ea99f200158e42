// Writes docs/openapi.json from the routes of the control API. Build first; an argument names another build folder.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = resolve(root, process.argv[2] ?? "dist");

const { openApiDocument } = await import(pathToFileURL(resolve(dist, "src/control/openapi.js")).href);
const { version } = JSON.parse(readFileSync(resolve(root, "package.json"), "utf8"));

const target = resolve(root, "docs/openapi.json");
writeFileSync(target, `${JSON.stringify(openApiDocument(version), null, 2)}\n`);
execFileSync(resolve(root, "node_modules/.bin/biome"), ["format", "--write", target], { cwd: root });
