/** uvsadm's own option, which ipvsadm does not have. */

/** The words without a leading `--socket PATH` or `--socket=PATH`, and the path that it named. */
export function takeSocketOption(argv: readonly string[]): {
  readonly socket: string | undefined;
  readonly argv: readonly string[];
} {
  const [first, second] = argv;
  if (first === "--socket" && second !== undefined) return { socket: second, argv: argv.slice(2) };
  if (first?.startsWith("--socket=")) return { socket: first.slice("--socket=".length), argv: argv.slice(1) };
  return { socket: undefined, argv };
}
