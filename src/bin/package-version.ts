/** The version of this installation, from its package.json. */
import { readFileSync } from "node:fs";

/** The version, such as `0.1.0`. */
export function packageVersion(): string {
  // From dist/src/bin, where this file is compiled to.
  const text = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
