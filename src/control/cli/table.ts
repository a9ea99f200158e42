/** Aligned columns of text. */

/**
 * Rows as lines with columns two spaces apart; no trailing spaces.
 * @param right the indexes of the columns that are aligned to the right
 */
export function renderTable(
  rows: readonly (readonly string[])[],
  right: ReadonlySet<number> = new Set(),
): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (right.has(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join("  ")
      .trimEnd();
  return rows.map(line).join("\n");
}
