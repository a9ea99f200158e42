/**
 * Reads a command line word by word as libpopt 1.19 does: clustered short options (`-Lnc`), values that stick to their
 * option (`-w3`, `-w=3`, `--weight=3`) or follow it, an optional value only where the next word does not begin with `-`,
 * long options never abbreviated, words that are no options set aside, `--` ending the options.
 */
import { CommandLineError, EXIT } from "./failure.js";
import { SPELLINGS, type Spelling } from "./options.js";

const BY_LONG = new Map(SPELLINGS.map((spelling) => [spelling.long, spelling]));
const BY_SHORT = new Map(SPELLINGS.map((spelling) => [spelling.short, spelling]));

/** One option met, with its value if it has one. */
export interface MetOption {
  readonly spelling: Spelling;
  readonly value?: string;
}

export class OptionReader {
  /** The words that are neither options nor values, in order. Complete once `next` has returned undefined. */
  readonly words: string[] = [];
  readonly #argv: readonly string[];
  #position = 0;
  #cluster = "";
  #optionsEnded = false;

  constructor(argv: readonly string[]) {
    this.#argv = argv;
  }

  /** The word read last, as messages name a bad option: the whole cluster, or the value where that came last. */
  get lastWord(): string {
    return this.#argv[this.#position - 1];
  }

  /**
   * The next option, or undefined at the end.
   * @throws CommandLineError (255) for an unknown option, a missing or an unwanted value
   */
  next(): MetOption | undefined {
    while (this.#cluster === "") {
      if (this.#position === this.#argv.length) return undefined;
      const word = this.#argv[this.#position++];
      if (this.#optionsEnded || word === "-" || !word.startsWith("-")) this.words.push(word);
      else if (word === "--") this.#optionsEnded = true;
      else if (word.startsWith("--")) return this.#long(word.slice(2));
      else this.#cluster = word.slice(1);
    }
    return this.#short();
  }

  #long(text: string): MetOption {
    const equals = text.indexOf("=");
    const name = equals < 0 ? text : text.slice(0, equals);
    const attached = equals < 0 ? undefined : text.slice(equals + 1);
    return this.#met(BY_LONG.get(name), attached);
  }

  #short(): MetOption {
    const spelling = BY_SHORT.get(this.#cluster[0]);
    const rest = this.#cluster.slice(1);
    if (rest === "" || spelling === undefined) {
      this.#cluster = "";
      return this.#met(spelling, undefined);
    }
    const takesRest = spelling.value !== "none" || rest.startsWith("=");
    this.#cluster = takesRest ? "" : rest;
    return this.#met(spelling, takesRest ? rest.replace(/^=/, "") : undefined);
  }

  #met(spelling: Spelling | undefined, attached: string | undefined): MetOption {
    if (spelling === undefined) throw this.#bad("unknown option");
    if (spelling.value === "none") {
      if (attached !== undefined) throw this.#bad("option does not take an argument");
      return { spelling };
    }
    if (attached !== undefined) return { spelling, value: attached };
    const following = this.#argv[this.#position];
    if (spelling.value === "optional" && (following === undefined || following.startsWith("-"))) {
      return { spelling };
    }
    if (following === undefined) throw this.#bad("missing argument");
    this.#position++;
    return { spelling, value: following };
  }

  #bad(reason: string): CommandLineError {
    return new CommandLineError(`${this.lastWord}: ${reason}`, EXIT.failed, false);
  }
}
