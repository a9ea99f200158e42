/** An `ip` that has been started on a host and waits for commands, so that they take effect within a millisecond. */
import type { Writable } from "node:stream";
import type { LabHost, VrrpLab } from "../../test/helpers/vrrp-lab.js";
import { instrument } from "./instrument.js";

/** See the file's head. It ends with the lab. */
export class IpShell {
  readonly #stdin: Writable | null;

  constructor(lab: VrrpLab, host: LabHost) {
    this.#stdin = lab.spawn(host, ...instrument("ip", ["-batch", "-"])).stdin;
    // It is killed with all of its host; then it hears nothing any more.
    this.#stdin?.on("error", () => {});
  }

  /** Runs a command: what stands behind `ip`. */
  run(command: string): void {
    this.#stdin?.write(`${command}\n`);
  }
}
