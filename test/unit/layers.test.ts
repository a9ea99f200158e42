/** Keeps the table of layers (docs/architecture.md) true by reading the imports. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const SRC = fileURLToPath(new URL("../../../src", import.meta.url));

/** Folder -> folders of ours that it may import besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  schedulers: ["core"],
  config: ["core"],
  metrics: ["core"],
  balancer: ["core", "schedulers", "metrics"],
  dataplane: ["core", "metrics"],
  health: ["core", "metrics"],
  ha: ["core", "metrics"],
  forwarder: ["core", "schedulers", "config", "metrics", "balancer", "dataplane"],
  control: ["core", "schedulers", "config", "metrics", "balancer"],
};

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

function importsOf(file: string): string[] {
  const text = readFileSync(join(SRC, file), "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map(([, path]) =>
    relative(SRC, join(SRC, dirname(file), path)),
  );
}

test("every folder imports only from the layers below it", () => {
  const breaches: string[] = [];
  for (const file of files) {
    const folder = file.split("/")[0];
    const allowed = MAY_IMPORT[folder];
    // director.ts and src/bin wire everything together.
    if (allowed === undefined) continue;
    for (const path of importsOf(file)) {
      const target = path.split("/")[0];
      if (target !== folder && !allowed.includes(target)) breaches.push(`${file} imports ${path}`);
    }
  }
  assert.deepEqual(breaches, []);
  assert.ok(files.length > 50, "the source files were found");
});

test("koffi is called in one file only", () => {
  const users = files.filter((file) => /"koffi"/.test(readFileSync(join(SRC, file), "utf8")));
  assert.deepEqual(users, ["dataplane/native/libc.ts"]);
});
