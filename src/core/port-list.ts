/** Lists of ports as people write them: `21`, `1024-1030`. */

/** The ports that one item means, ascending, or undefined where it is no port and no range of ports. */
export function parsePorts(item: string): number[] | undefined {
  const [, from, to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(item) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (!(first >= 1 && first <= last && last <= 65535)) return undefined;
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

/** The shortest list of items that means these ports, ascending. */
export function formatPorts(ports: readonly number[]): string[] {
  const sorted = [...new Set(ports)].sort((a, b) => a - b);
  const items: string[] = [];
  for (let i = 0; i < sorted.length; i++) {
    const first = sorted[i];
    while (sorted[i + 1] === sorted[i] + 1) i++;
    items.push(first === sorted[i] ? `${first}` : `${first}-${sorted[i]}`);
  }
  return items;
}
