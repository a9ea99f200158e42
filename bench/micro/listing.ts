/** `uvsadm` against a director of 200 services with 50 realservers each: whole processes, from their start to their end. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Micro, type MicroResult, summariseTimes, timeEach } from "./micro.js";

const SERVICES = 200;
const REALSERVERS = 50;
const WARM_UP = 3;
const CALLS = 25;
/** Above 1023: no privilege is needed. */
const PORT = 8080;
const START_MS = 20_000;
/** What `uvsadm -Ln` may take, in the median. */
const LISTING_P50_US = 100_000;

export const listing: Micro = {
  name: "listing",
  title: `uvsadm beside ${SERVICES} services of ${REALSERVERS} realservers`,
  measure: () => withDirector(measure),
};

const program = (name: string): string => fileURLToPath(new URL(`../../src/bin/${name}.js`, import.meta.url));

function measure(socket: string): MicroResult[] {
  const uvsadm = (...args: string[]): string[] => [program("uvsadm"), "--socket", socket, ...args];
  const edit = ["-e", "-t", `${vip(1)}:${PORT}`, "-r", "10.1.0.1:80", "-m"];
  const commands = [
    { what: "node itself", args: ["-e", "0"] },
    { what: "uvsadm -Ln", args: uvsadm("-Ln"), p50TargetUs: LISTING_P50_US },
    { what: "uvsadm -Ln --stats", args: uvsadm("-Ln", "--stats") },
    { what: "uvsadm -S -n", args: uvsadm("-S", "-n") },
    { what: "uvsadm -Ln -t VIP:PORT", args: uvsadm("-Ln", "-t", `${vip(1)}:${PORT}`) },
    { what: "uvsadm -e ... -w N", args: uvsadm(...edit, "-w", "2") },
  ];
  const times = commands.map(() => new Float64Array(CALLS));
  // In turn, so that a machine that becomes slower does so for all. The director's first answers are slower than the rest.
  for (let round = -WARM_UP; round < CALLS; round++) {
    for (const [i, { args }] of commands.entries()) {
      const [us] = timeEach(1, () => run(args));
      if (round >= 0) times[i][round] = us;
    }
  }
  return commands.map(({ what, p50TargetUs }, i) => ({
    ...summariseTimes(what, times[i].sort()),
    ...(p50TargetUs !== undefined && { p50TargetUs }),
  }));
}

function run(args: readonly string[]): void {
  const { status, stderr } = spawnSync(process.execPath, args, { maxBuffer: 64 * 1024 * 1024 });
  if (status !== 0) throw new Error(`${args.slice(1).join(" ")} ended with ${status}: ${stderr}`);
}

/** Addresses of loopback, and realservers that nobody connects to. */
const vip = (i: number): string => `127.200.${i}.1`;

function withDirector(measureAt: (socket: string) => MicroResult[]): MicroResult[] {
  const directory = mkdtempSync(join(tmpdir(), "uvs-listing-"));
  const socket = join(directory, "uvsd.sock");
  const file = join(directory, "uvs.yaml");
  writeFileSync(file, configuration());
  const uvsd = spawn(process.execPath, [program("uvsd"), "-c", file, "--socket", socket], {
    stdio: "ignore",
  });
  try {
    waitUntilServing(uvsd, socket);
    return measureAt(socket);
  } finally {
    uvsd.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  }
}

function waitUntilServing({ pid }: ChildProcess, socket: string): void {
  const deadline = performance.now() + START_MS;
  const args = [program("uvsadm"), "--socket", socket, "-Ln", "-t", `${vip(1)}:${PORT}`];
  while (spawnSync(process.execPath, args).status !== 0) {
    if (performance.now() > deadline) throw new Error(`uvsd (pid ${pid}) does not serve`);
  }
}

function configuration(): string {
  const services = Array.from({ length: SERVICES }, (_, i) => {
    const realservers = Array.from({ length: REALSERVERS }, (_, j) => `"10.${i}.0.${j + 1}:80"`);
    return `  - { listen: "tcp://${vip(i)}:${PORT}", realservers: [ ${realservers.join(", ")} ] }`;
  });
  return `threads: 1\nservices:\n${services.join("\n")}\n`;
}
