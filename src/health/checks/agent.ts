/**
 * Check kind `agent`: connects to an agent on the realserver, which says in a line how the realserver is and what it wants
 * (HAProxy's agent-check). An agent that cannot be asked changes nothing.
 */

import { readAgentLine } from "../agent-line.js";
import type { Checker, CheckResult } from "../checker.js";
import { failureOf } from "../failure.js";
import { invalidOption } from "../option.js";
import { converse, type Dialogue } from "./dialogue.js";

/** Parameters of an agent check, as plain data. */
export interface AgentOptions {
  /** Sent as it is once connected; `\n` only where it is written. @default nothing */
  readonly send?: string;
}

const LONGEST_LINE = 4096;
const LONGEST_SEND = 1024;

/** Makes an agent checker. @throws UvsError INVALID */
export function agentCheck(options: AgentOptions = {}): Checker {
  const { send = "" } = options;
  if (send.length > LONGEST_SEND) throw invalidOption("send", send, `at most ${LONGEST_SEND} characters`);
  return {
    kind: "agent",
    name: "agent",
    key: `agent ${JSON.stringify(send)}`,
    async probe(probe): Promise<CheckResult> {
      try {
        return await converse(probe, undefined, async (dialogue) => {
          if (send !== "") dialogue.write(send);
          return readAgentLine(await readFirstLine(dialogue));
        });
      } catch (error) {
        const { code, reason } = failureOf(error);
        return { outcome: "neutral", code, reason: `agent not asked: ${reason}` };
      }
    },
  };
}

/** What came up to the first line end (CR or LF), or up to the end or the bound. */
async function readFirstLine(dialogue: Dialogue): Promise<string> {
  let text = "";
  while (!/[\r\n]/.test(text) && text.length < LONGEST_LINE) {
    const chunk = await dialogue.read();
    if (chunk === undefined) break;
    text += chunk.toString("latin1");
  }
  return text.slice(0, LONGEST_LINE);
}
