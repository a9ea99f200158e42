/** Connections that several generations count on the same realservers. */
import { COUNTS_A_SERVER, type CountsReport } from "./messages.js";

/** Adds the connections of an older generation; templates and overload are the newest one's to say. */
export function addCounts(newest: CountsReport, older: CountsReport): CountsReport {
  return Object.fromEntries(
    Object.entries(newest).map(([key, { servers, counts }]) => {
      const { servers: others = [], counts: theirs = [] } = older[key] ?? {};
      const places = new Map(others.map((name, i) => [name, i * COUNTS_A_SERVER]));
      const sums = [...counts];
      for (const [i, name] of servers.entries()) {
        const from = places.get(name);
        if (from === undefined) continue;
        const at = i * COUNTS_A_SERVER;
        sums[at] += theirs[from];
        sums[at + 1] += theirs[from + 1];
      }
      return [key, { servers, counts: sums }];
    }),
  );
}
