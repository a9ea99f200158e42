// Makes one file of each command-line client, in the place of its compiled entry: loading dozens of modules takes longer
// than what most commands do. Packages stay outside, and what a command imports only when it runs is a file of its own.
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const OUT = join(ROOT, "dist/src/bin");
const CLIENTS = ["uvsadm", "uvs"];

for (const client of CLIENTS) {
  const parts = `${client}-parts`;
  rmSync(join(OUT, parts), { recursive: true, force: true });
  await build({
    entryPoints: [join(ROOT, `src/bin/${client}.ts`)],
    outdir: OUT,
    chunkNames: `${parts}/[name]-[hash]`,
    bundle: true,
    splitting: true,
    packages: "external",
    format: "esm",
    platform: "node",
    target: "node20.11",
    sourcemap: true,
    logLevel: "warning",
  });
}
