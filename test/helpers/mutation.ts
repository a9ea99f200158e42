/** Damaged packets for fuzzing: the same ones for the same seed. */

/** xorshift32. @returns a function that draws an integer from 0 to `below` - 1 */
export function random(seed: number): (below: number) => number {
  let state = seed || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Flips, overwrites, cuts, extends or repeats bytes, one to four times. */
export function mutate(packet: Uint8Array, next: (below: number) => number): Uint8Array {
  let bytes = Uint8Array.from(packet);
  for (let i = next(4); i >= 0; i--) {
    if (bytes.length === 0) return bytes;
    const at = next(bytes.length);
    switch (next(5)) {
      case 0:
        bytes[at] ^= 1 << next(8);
        break;
      case 1:
        bytes[at] = next(256);
        break;
      case 2:
        bytes = bytes.slice(0, at);
        break;
      case 3:
        bytes = Uint8Array.of(...bytes, ...Array.from({ length: next(40) }, () => next(256)));
        break;
      default:
        bytes.copyWithin(at, next(bytes.length));
    }
  }
  return bytes;
}
