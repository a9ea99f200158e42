/** A real `uvsd` process for end-to-end tests: started with a configuration, asked over its control socket, ended. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { ControlClient } from "../../src/control/client.js";
import { endWithThisProcess } from "./orphans.js";
import { waitFor } from "./wait-for.js";

/** The entry that was compiled with this file. */
const UVSD = fileURLToPath(new URL("../../src/bin/uvsd.js", import.meta.url));
const START_DEADLINE_MS = 60_000;

export interface UvsdOptions {
  /** YAML; control socket and log are added. */
  readonly config?: string;
  /** Prefix of the command line, e.g. `ip netns exec NAME`. */
  readonly prefix?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Path of the control socket: that of a director that has ended. @default one of its own */
  readonly socket?: string;
}

/** A running director. */
export class Uvsd {
  readonly directory: string;
  readonly configFile: string;
  readonly socket: string;
  readonly process: ChildProcess;
  readonly client: ControlClient;
  #output = "";

  private constructor(directory: string, options: UvsdOptions) {
    this.directory = directory;
    this.configFile = join(directory, "uvs.yaml");
    this.socket = options.socket ?? join(directory, "uvsd.sock");
    const [command, ...args] = [
      ...(options.prefix ?? []),
      process.execPath,
      UVSD,
      "-c",
      this.configFile,
      "--socket",
      this.socket,
    ];
    this.process = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
    });
    endWithThisProcess(this.process);
    const collect = (chunk: Buffer): void => {
      this.#output += chunk.toString();
    };
    this.process.stdout?.on("data", collect);
    this.process.stderr?.on("data", collect);
    this.client = new ControlClient(this.socket);
  }

  /** Starts a director and waits until it serves; it ends with the test. */
  static async start(t: TestContext, options: UvsdOptions = {}): Promise<Uvsd> {
    const uvsd = await Uvsd.launch(t, options);
    await waitFor("uvsd serves", () => uvsd.#isServing(), START_DEADLINE_MS).catch((error: Error) => {
      throw new Error(`${error.message}\n${uvsd.output}`);
    });
    return uvsd;
  }

  /** Starts a director that may refuse to run. */
  static async launch(t: TestContext, options: UvsdOptions = {}): Promise<Uvsd> {
    const directory = await mkdtemp(join(tmpdir(), "uvsd-"));
    await writeFile(join(directory, "uvs.yaml"), options.config ?? "");
    const uvsd = new Uvsd(directory, options);
    t.after(async () => {
      if (uvsd.process.exitCode === null && uvsd.process.signalCode === null) {
        uvsd.process.kill("SIGKILL");
        await once(uvsd.process, "exit");
      }
      await rm(directory, { recursive: true, force: true });
    });
    return uvsd;
  }

  /** Everything written to standard output and error so far. */
  get output(): string {
    return this.#output;
  }

  /** Replaces the configuration file. */
  async rewrite(config: string): Promise<void> {
    await writeFile(this.configFile, config);
  }

  /** Pid of the forwarder that serves. */
  async forwarderPid(): Promise<number> {
    const { forwarders } = await this.client.status();
    return forwarders[0]?.pid ?? 0;
  }

  /** Resolves with exit code or signal. */
  async exited(): Promise<number | string> {
    const { process } = this;
    if (process.exitCode === null && process.signalCode === null) await once(process, "exit");
    return process.exitCode ?? process.signalCode ?? "";
  }

  /** Sends SIGTERM and waits for the end. */
  stop(): Promise<number | string> {
    this.process.kill("SIGTERM");
    return this.exited();
  }

  async #isServing(): Promise<boolean> {
    if (this.process.exitCode !== null) throw new Error(`uvsd ended with exit code ${this.process.exitCode}`);
    try {
      const { forwarders } = await this.client.status();
      return forwarders[0]?.state === "serving";
    } catch {
      return false;
    }
  }
}
