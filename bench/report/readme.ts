/** The part of bench/README.md that the bench itself writes. */

export const BEGIN = "<!-- results: written by npm run bench -- --update-readme -->";
export const END = "<!-- end of results -->";

/**
 * Replaces what stands between the two markers.
 * @throws Error when a marker is missing
 */
export function replaceResults(readme: string, results: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error(`bench/README.md must hold the lines "${BEGIN}" and "${END}"`);
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${results.trim()}\n\n${readme.slice(end)}`;
}
