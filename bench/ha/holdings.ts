/** Who has the floating address when, by what the kernel of each host tells (`ip monitor`). */
import type { LabHost, VrrpLab } from "../../test/helpers/vrrp-lab.js";
import { instrument } from "./instrument.js";
import type { Holding } from "./observations.js";

interface Open {
  readonly fromMs: number;
  toMs: number;
}

/** Watches one address on some hosts. */
export class HoldingWatch {
  readonly #spans = new Map<string, Open[]>();

  constructor(lab: VrrpLab, hosts: readonly LabHost[], address: string) {
    for (const host of hosts) {
      const spans: Open[] = [];
      this.#spans.set(host.name, spans);
      if (lab.has(host, address)) spans.push({ fromMs: 0, toMs: Number.POSITIVE_INFINITY });
      const monitor = ["-ts", "-o", "monitor", "address", "dev", "eth0"];
      const child = lab.spawn(host, ...instrument("ip", monitor));
      let partial = "";
      child.stdout?.setEncoding("utf8").on("data", (text: string) => {
        const lines = (partial + text).split("\n");
        partial = lines.pop() ?? "";
        for (const line of lines) if (line.includes(` ${address}/`)) note(spans, line);
      });
    }
  }

  /** Whether a host has the address now. */
  holds({ name }: LabHost): boolean {
    return this.#spans.get(name)?.at(-1)?.toMs === Number.POSITIVE_INFINITY;
  }

  holdings(): Holding[] {
    return [...this.#spans].flatMap(([host, spans]) => spans.map((span) => ({ host, ...span })));
  }
}

/** `[2026-01-02T03:04:05.678901] Deleted 2: eth0 inet 10.79.0.100/24 ...` */
function note(spans: Open[], line: string): void {
  const [, time] = /^\[([^\]]+)\]/.exec(line) ?? [];
  if (time === undefined) return;
  const atMs = new Date(time.slice(0, 19)).getTime() + Number(time.slice(19)) * 1000;
  const last = spans.at(-1);
  const isHeld = last !== undefined && last.toMs === Number.POSITIVE_INFINITY;
  if (line.includes("Deleted")) {
    if (isHeld) last.toMs = atMs;
  } else if (!isHeld) {
    spans.push({ fromMs: atMs, toMs: Number.POSITIVE_INFINITY });
  }
}
