/**
 * YAML text to plain values, with the way back from a value to its place in the text.
 *
 * The yaml package parses; converting is ours, so that what a file can cost is bounded before it is paid: how deep it
 * nests while it is read, and how many values its aliases unfold to before any is made.
 */
import {
  type Alias,
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  type YAMLError,
} from "yaml";
import { show } from "./refuse.js";

/** A way down to a value: keys of mappings and indexes of lists. */
export type Path = readonly (string | number)[];

/** An error of the text, at a character of it. */
export interface TextProblem {
  readonly offset: number;
  readonly path: Path;
  readonly message: string;
}

/** A text that was read. */
export interface YamlDocument {
  /** Mappings are objects, lists are arrays; null where the text is empty. */
  readonly value: unknown;
  readonly problems: readonly TextProblem[];
  /** Whether the text follows YAML's grammar: if not, `value` is a guess that is not worth looking at. */
  readonly isWellFormed: boolean;
  /** The character where a value begins, or its key; where there is none, the nearest value around it. */
  offsetOf(path: Path, part: "key" | "value"): number;
  /** 1-based line and column of a character. */
  positionOf(offset: number): { readonly line: number; readonly column: number };
}

/** Deepest nesting; a configuration needs fewer than ten. The composer recurses: without a bound, the stack sets it. */
const MAX_DEPTH = 64;

/** Most values of a file, aliases unfolded. */
const MAX_VALUES = 1_000_000;

/** Reads YAML text; errors are in the result. */
export function parseYaml(text: string): YamlDocument {
  const lines = new LineCounter();
  const { documents, problems } = compose(text, lines);
  const root = documents[0]?.contents ?? null;
  const isWellFormed = problems.length === 0;
  const converter = new Converter();
  const value = isWellFormed ? converter.convert(root, []).value : null;
  return {
    value,
    problems: [...problems, ...converter.problems],
    isWellFormed,
    offsetOf: (path, part) => offsetOf(root, path, part, converter.targets),
    positionOf: (offset) => {
      const { line, col } = lines.linePos(offset);
      return { line: Math.max(line, 1), column: Math.max(col, 1) };
    },
  };
}

function compose(text: string, lines: LineCounter): { documents: Document[]; problems: TextProblem[] } {
  const parser = new Parser(lines.addNewLine);
  const tokens = [];
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme));
    if (parser.stack.length > MAX_DEPTH) {
      const message = `nested too deeply, accepted are at most ${MAX_DEPTH} levels`;
      return { documents: [], problems: [{ offset: parser.offset, path: [], message }] };
    }
  }
  tokens.push(...parser.end());
  const composer = new Composer({
    prettyErrors: false,
    stringKeys: true,
    // Its check is quadratic; the converter has one that is not.
    uniqueKeys: false,
    resolveKnownTags: false,
    logLevel: "silent",
  });
  const documents = [...composer.compose(tokens, true, text.length)] as Document[];
  const problems = documents
    .flatMap((document) => [...document.errors, ...document.warnings])
    .map((error) => syntaxProblem(error, text));
  if (documents.length > 1) {
    problems.push({
      offset: documents[1].range?.[0] ?? 0,
      path: [],
      message: "found a second document, accepted is one document without further --- lines",
    });
  }
  return { documents, problems };
}

function syntaxProblem(error: YAMLError, text: string): TextProblem {
  const offset = error.pos[0];
  const before = text.slice(Math.max(0, offset - 64), offset);
  const hint = /\[[0-9a-f:.-]*:[0-9a-f:.-]*\]$/i.test(before)
    ? '; an address in brackets must stand in quotes, as "[fd77::1]:80"'
    : "";
  return { offset, path: [], message: `YAML syntax: ${error.message}${hint}` };
}

/** A converted node and how many values it unfolds to. */
interface Converted {
  readonly value: unknown;
  readonly size: number;
}

/** Converts the nodes of one document. */
class Converter {
  readonly problems: TextProblem[] = [];
  /** The node that each alias stands for. */
  readonly targets = new Map<Alias, Node>();
  /** By anchor; `open` while the anchored node itself is being converted. */
  private readonly anchors = new Map<string, { node: Node; converted: Converted | "open" }>();

  convert(node: unknown, path: Path): Converted {
    if (isAlias(node)) return this.unfold(node, path);
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor === undefined) return this.convertPlain(node, path);
    this.anchors.set(anchor, { node: node as Node, converted: "open" });
    const converted = this.convertPlain(node, path);
    this.anchors.set(anchor, { node: node as Node, converted });
    return converted;
  }

  private convertPlain(node: unknown, path: Path): Converted {
    if (isMap(node)) {
      const object: Record<string, unknown> = Object.create(null);
      let size = 1;
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? String(key.value) : "";
        if (name in object) {
          this.report(key, [...path, name], "duplicate key, accepted is each key once");
        }
        const converted = this.convert(value, [...path, name]);
        object[name] = converted.value;
        size += converted.size;
      }
      return this.bounded(node, path, object, size);
    }
    if (isSeq(node)) {
      const items = node.items.map((item, i) => this.convert(item, [...path, i]));
      const size = items.reduce((sum, item) => sum + item.size, 1);
      return this.bounded(
        node,
        path,
        items.map((item) => item.value),
        size,
      );
    }
    return { value: isScalar(node) ? node.value : null, size: 1 };
  }

  private unfold(alias: Alias, path: Path): Converted {
    const anchor = this.anchors.get(alias.source);
    if (anchor === undefined || anchor.converted === "open") {
      const reason = anchor ? "contains itself" : "has no anchor before it";
      this.report(alias, path, `found the alias *${alias.source}, which ${reason}`);
      return { value: null, size: 1 };
    }
    this.targets.set(alias, anchor.node);
    return anchor.converted;
  }

  /** What unfolds to too many values is reported once and left out. */
  private bounded(node: Node, path: Path, value: unknown, size: number): Converted {
    if (size <= MAX_VALUES) return { value, size };
    this.report(node, path, `found ${size} values (aliases unfolded), accepted are at most ${MAX_VALUES}`);
    return { value: null, size: 1 };
  }

  private report(node: unknown, path: Path, message: string): void {
    this.problems.push({ offset: offsetOfNode(node) ?? 0, path, message });
  }
}

function offsetOf(
  root: unknown,
  path: Path,
  part: "key" | "value",
  targets: ReadonlyMap<Alias, Node>,
): number {
  let node = root;
  let offset = offsetOfNode(root) ?? 0;
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = targets.get(node);
    // A mapping may stand for a list of one.
    if (isMap(node) && step === 0) continue;
    if (isMap(node)) {
      const pair = node.items.findLast(({ key }) => isScalar(key) && String(key.value) === step);
      if (pair === undefined) return offset;
      if (part === "key" && depth === path.length - 1) return offsetOfNode(pair.key) ?? offset;
      node = pair.value;
      offset = offsetOfNode(node) ?? offsetOfNode(pair.key) ?? offset;
    } else if (isSeq(node) && typeof step === "number") {
      node = node.items[step];
      offset = offsetOfNode(node) ?? offset;
    } else return offset;
  }
  return offset;
}

function offsetOfNode(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined;
}

/** The text form of a path: `services[0].realservers[1].weight`. */
export function formatPath(path: Path): string {
  if (path.length === 0) return "file";
  return path
    .map((step) => {
      if (typeof step === "number") return `[${step}]`;
      return /^[\w-]{1,60}$/.test(step) ? `.${step}` : `[${show(step)}]`;
    })
    .join("")
    .replace(/^\./, "");
}
