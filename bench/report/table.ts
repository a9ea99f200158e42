/** Tables as aligned text and as Markdown. Columns of figures are aligned to the right, columns of words to the left. */

/** Heading and rows, all of the same length. */
export interface Table {
  readonly heading: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Columns aligned with blanks. */
export function textTable(table: Table): string {
  const { heading, rows } = table;
  const figures = figureColumns(table);
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column].length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (figures[column] ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join("  ")
      .trimEnd();
  return [line(heading), ...rows.map(line)].join("\n");
}

/** A Markdown table; bars in cells are escaped. */
export function markdownTable(table: Table): string {
  const { heading, rows } = table;
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const rule = `|${figureColumns(table)
    .map((isFigure) => (isFigure ? "---:" : "---"))
    .join("|")}|`;
  return [line(heading), rule, ...rows.map(line)].join("\n");
}

/** Which columns hold nothing but figures; "-" stands for one that is missing. */
function figureColumns({ heading, rows }: Table): boolean[] {
  return heading.map((_, column) => rows.every((row) => /^(-|\d[\d,.]*( \(.*\))?)$/.test(row[column])));
}
