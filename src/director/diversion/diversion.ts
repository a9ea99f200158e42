/**
 * Diverts connections that no listening socket of the director is addressed by: those that the kernel has marked
 * (`nft ... meta mark set 8`), and those to any port of an address. The kernel gives them to a transparent socket, whose
 * accepted sockets keep the address and port that the client spoke to. Brings the answers to connections that have their
 * client's address back to this host as well. Nobody else's rules are touched; the director's own
 * are taken away at the end, and what a killed one has left behind at the next start.
 */
import { type Family, familyOf } from "../../core/address.js";
import type { MadeRule } from "../../core/doctor.js";
import { familyOfTraffic } from "../listening-plan.js";
import { inspectRules } from "./inspection.js";
import {
  type Command,
  commandError,
  ipBatch,
  ipCommand,
  nftScript,
  type Outcome,
  type RunProgram,
  runProgram,
  runProgramNow,
} from "./programs.js";
import { familiesOf, type KernelRules, Ruleset } from "./ruleset.js";

const FAMILIES: readonly Family[] = [4, 6];
const NOTHING: KernelRules = { diversions: [], returns: [], spokenTo: [] };

/** The director's rules in the kernel. */
export class Diversion {
  readonly #run: RunProgram;
  readonly #ruleset: Ruleset;
  #script: string;
  #rules = NOTHING;
  /** Once wanted, to the end: connections outlive their services. */
  readonly #returns = new Set<Family>();
  /** Families in which clients have been diverted: what they send may be for whatever address. */
  readonly #diverted = new Set<Family>();
  readonly #routed = new Set<Family>();

  /** @param identity what tells this director from others on the host: its control socket's path */
  constructor(identity: string, run: RunProgram = runProgram) {
    this.#run = run;
    this.#ruleset = new Ruleset(identity);
    this.#script = this.#ruleset.script(NOTHING);
  }

  /** SO_MARK of the sockets that the answers are for. */
  get socketMark(): number {
    return this.#ruleset.socketMark;
  }

  /**
   * Takes away what a director of this identity has left behind that was killed. Without nft, ip or the right to use them
   * nothing was left, or nothing can be done.
   */
  async clear(): Promise<void> {
    await Promise.all(this.#undoing(FAMILIES).map((command) => this.#run(command).catch(() => {})));
  }

  /**
   * Diverts by these rules from now on, and by no others; all change at once.
   * @throws UvsError PERMISSION naming the right that is missing, UNSUPPORTED where the host cannot do it
   */
  async set(asked: KernelRules): Promise<void> {
    for (const family of asked.returns) this.#returns.add(family);
    for (const { traffic } of asked.diversions) this.#diverted.add(familyOfTraffic(traffic));
    const spokenTo = asked.spokenTo.filter((address) => !this.#diverted.has(familyOf(address)));
    await this.#apply({ ...asked, returns: [...this.#returns], spokenTo });
  }

  /** What was made, whether it is still there, and what it is for. */
  inspect(): Promise<MadeRule[]> {
    return inspectRules(this.#ruleset, this.#rules, this.#run);
  }

  /** Makes everything again: somebody may have taken it away. @throws UvsError as `set` */
  async renew(): Promise<void> {
    const rules = this.#rules;
    this.#script = "";
    this.#routed.clear();
    if (familiesOf(rules).length > 0) await this.#apply(rules);
  }

  /** Takes everything away. */
  async stop(): Promise<void> {
    this.#returns.clear();
    await this.#apply(NOTHING);
  }

  /** Takes everything away at once, while the process exits. */
  stopNow(): void {
    if (this.#script === this.#ruleset.script(NOTHING) && this.#routed.size === 0) return;
    for (const command of this.#undoing([...this.#routed])) runProgramNow(command);
  }

  async #apply(rules: KernelRules): Promise<void> {
    const script = this.#ruleset.script(rules);
    if (script === this.#script) return;
    const wanted = familiesOf(rules);
    // What is marked must have its route before, and as long as there is a rule that marks.
    for (const family of wanted) await this.#route(family, true);
    await this.#must(nftScript(script));
    this.#script = script;
    this.#rules = rules;
    for (const family of this.#routed) if (!wanted.includes(family)) await this.#route(family, false);
  }

  #undoing(families: readonly Family[]): Command[] {
    return [
      nftScript(this.#ruleset.script(NOTHING)),
      ...families.map((family) =>
        ipBatch(
          family,
          this.#ruleset.routing.map(({ object, words }) => `${object} delete ${words}`),
        ),
      ),
    ];
  }

  /** Lets the host take diverted packets of a family, or not any longer. */
  async #route(family: Family, isWanted: boolean): Promise<void> {
    if (this.#routed.has(family) === isWanted) return;
    for (const { object, words } of this.#ruleset.routing) {
      const command = ipCommand(family, `${object} ${isWanted ? "add" : "delete"} ${words}`);
      const { complaint } = await this.#try(command);
      // There already, or gone already.
      const isDone = complaint === undefined || /File exists|No such (file|process)/i.test(complaint);
      if (!isDone) throw commandError(command, complaint);
    }
    if (isWanted) this.#routed.add(family);
    else this.#routed.delete(family);
  }

  async #must(command: Command): Promise<void> {
    const { complaint } = await this.#try(command);
    if (complaint !== undefined) throw commandError(command, complaint);
  }

  async #try(command: Command): Promise<Outcome> {
    try {
      return await this.#run(command);
    } catch (error) {
      throw commandError(command, undefined, (error as Error).message);
    }
  }
}
