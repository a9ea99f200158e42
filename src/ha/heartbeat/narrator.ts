/** What a cluster's events read like, and what they count. */
import type { Logger } from "../../core/logger.js";
import type { Counters } from "./counters.js";
import type { ClusterEvent } from "./effects.js";

/** Logs an event and counts it. */
export function narrate(event: ClusterEvent, logger: Logger, counters: Counters): void {
  const fields = { ...event };
  switch (event.kind) {
    case "node": {
      const { node, from, to, reason } = event;
      if (to === "dead") counters.node_dead++;
      if (to === "left") counters.node_left++;
      if (from === "dead" && to !== "left" && reason === "it is heard again") counters.node_returned++;
      const words = `heartbeat: node ${node}: ${from} -> ${to}: ${reason}`;
      if (to === "dead") logger.error(fields, words);
      else logger.info(fields, words);
      return;
    }
    case "group": {
      const { group, from, to, reason } = event;
      if (to === "held") counters.acquired++;
      if (from === "leaving" && to === "free") counters.released++;
      logger.info(fields, `heartbeat: group ${group}: ${from} -> ${to}: ${reason}`);
      return;
    }
    case "quorum": {
      const { hasQuorum, members, nodes } = event;
      if (!hasQuorum) counters.quorum_lost++;
      const words = `heartbeat: quorum is ${hasQuorum ? "there" : "LOST"}: ${members} of ${nodes} nodes`;
      if (hasQuorum) logger.info(fields, words);
      else logger.error(fields, words);
      return;
    }
    case "conflict": {
      const { group, node, outcome } = event;
      counters.conflict++;
      logger.error(fields, `heartbeat: SPLIT BRAIN: ${node} holds the group ${group} too; it ${outcome}`);
      return;
    }
    case "resolved":
      logger.warn(fields, `heartbeat: group ${event.group} is held here alone again, and announced`);
      return;
    case "late":
      counters.late++;
      logger.warn(
        fields,
        `heartbeat: late message: node ${event.node} was silent for ${Math.round(event.gapMs)} ms`,
      );
      return;
    case "stalled":
      counters.stalled++;
      logger.error(fields, `heartbeat: this director stood still for ${Math.round(event.lateMs)} ms`);
      return;
    case "fencing":
      logger.info(fields, `heartbeat: fencing of ${event.node}: ${event.state}`);
      return;
  }
}
