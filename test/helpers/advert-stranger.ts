/** A host that is no director, hears the advertisements on the link, and sends whatever a test wants (advert-probe.ts). */
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { LabHost, VrrpLab } from "./vrrp-lab.js";
import { waitFor } from "./wait-for.js";

const PROGRAM = fileURLToPath(new URL("./advert-probe.js", import.meta.url));

/** Version 3, IPv4. */
export interface ProbeOrder {
  readonly vrid: number;
  /** Without it nothing is sent any more. */
  readonly priority?: number;
  /** @default 10 */
  readonly intervalCs?: number;
  readonly addresses?: readonly string[];
  /** How often it is sent; without it once. What was sent before for this virtual router ends. */
  readonly everyMs?: number;
  /** Its checksum is wrong. */
  readonly isDamaged?: boolean;
}

/** An advertisement that was heard. */
export interface HeardAdvertisement {
  readonly vrid: number;
  readonly priority: number;
  readonly intervalCs: number;
  readonly source: string;
}

/** See the file's head. */
export class AdvertStranger {
  /** Everything that was heard, the oldest first. */
  readonly heard: HeardAdvertisement[] = [];
  readonly #child: ChildProcess;
  #isStarted = false;
  #trouble = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    let partial = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (partial + text).split("\n");
      partial = lines.pop() ?? "";
      for (const line of lines) {
        const said = JSON.parse(line) as HeardAdvertisement | { readonly started: true };
        if ("started" in said) this.#isStarted = true;
        else this.heard.push(said);
      }
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#trouble += text;
    });
  }

  /** Starts one that listens. */
  static async start(lab: VrrpLab, host: LabHost): Promise<AdvertStranger> {
    const stranger = new AdvertStranger(lab.spawn(host, process.execPath, [PROGRAM, host.address]));
    await waitFor(`${host.name} listens: ${stranger.#trouble}`, () => stranger.#isStarted, 30_000);
    return stranger;
  }

  send(order: ProbeOrder): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
  }

  /** Sends nothing more for a virtual router, from a moment soon after the call. */
  silence(vrid: number): void {
    this.send({ vrid });
  }

  /** Waits until something is heard that was sent after the call. */
  async hears(what: string, wanted: (advertisement: HeardAdvertisement) => boolean): Promise<void> {
    const before = this.heard.length;
    await waitFor(`${what} is heard`, () => this.heard.slice(before).some(wanted));
  }
}
