/** Makes a scenario of an HTTP load: all of them have the same figures, and differ in what is asked for and how. */
import { LARGE_PATH } from "../realserver/realserver.js";
import { type HttpLoad, measureHttp } from "./http-load.js";
import type { Metric, PlainScenario, Target } from "./scenario.js";

/** What a scenario is about. */
export interface HttpScenario {
  readonly name: string;
  readonly title: string;
  readonly http: HttpLoad;
  /** What is counted: "request", "answer", "connection". */
  readonly unit: string;
  readonly targets?: Partial<Record<"processUs" | "systemUs" | "perSecond", Target>>;
}

/** See the file's head. Large units are counted in whole microseconds, small ones in hundredths. */
export function httpScenario({ name, title, http, unit, targets = {} }: HttpScenario): PlainScenario {
  const isLarge = http.path === LARGE_PATH || http.bodyBytes !== undefined;
  const digits = isLarge ? 0 : 2;
  const metrics: Metric[] = [
    { key: "processUs", title: `CPU us/${unit}, process`, digits },
    { key: "systemUs", title: `CPU us/${unit}, whole system`, digits },
    { key: "perSecond", title: `${unit}s/s`, digits: 0, moreIsBetter: true },
    { key: "p50Ms", title: "p50 ms", digits: 2 },
    { key: "p99Ms", title: "p99 ms", digits: 2 },
  ];
  return {
    name,
    title,
    realservers: "http",
    needsWrk: http.close || http.bodyBytes !== undefined,
    metrics: [
      ...metrics.map((metric) => ({ ...metric, target: targets[metric.key as keyof typeof targets] })),
      { key: "busy", title: "core busy %", digits: 0, informative: true },
    ],
    async measure(peer, bench) {
      const { cpu, perSecond, p50Ms, p99Ms } = await measureHttp(peer, bench, http);
      return { ...cpu, perSecond, p50Ms, p99Ms };
    },
  };
}
