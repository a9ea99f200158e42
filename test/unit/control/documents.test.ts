import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { HTTP_STATUS } from "../../../src/control/http-error.js";
import { ROUTES } from "../../../src/control/routes.js";
import { ERROR_CODES, type ErrorCode } from "../../../src/core/errors.js";

const document = (name: string): string =>
  readFileSync(new URL(`../../../../docs/${name}`, import.meta.url), "utf8");

test("docs/errors.md lists exactly the error codes, with meaning and HTTP status", () => {
  const listed = [...document("errors.md").matchAll(/^\| `([A-Z_]+)` \| (.*) \| (\d+) \|$/gm)].map(
    ([, code, meaning, status]) => ({ code, meaning, status: Number(status) }),
  );
  const known = (Object.keys(ERROR_CODES) as ErrorCode[]).map((code) => ({
    code,
    meaning: ERROR_CODES[code],
    status: HTTP_STATUS[code],
  }));
  assert.deepEqual(listed, known);
});

test("docs/api.md has a section for exactly the routes of the server", () => {
  const sections = [...document("api.md").matchAll(/^### `(.*)`$/gm)].map(([, heading]) => heading);
  assert.deepEqual(sections.sort(), ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
});

test("docs/api.md names the errors of each route", () => {
  const sections = document("api.md").split(/^### /m);
  for (const { method, path, errors } of ROUTES) {
    const section = sections.find((text) => text.startsWith(`\`${method} ${path}\``)) ?? "";
    const named = [...(/^Errors: (.*)\.$/m.exec(section)?.[1] ?? "").matchAll(/`([A-Z_]+)`/g)].map(
      ([, code]) => code,
    );
    assert.deepEqual(named, errors, `${method} ${path}`);
  }
});
