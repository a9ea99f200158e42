/** The key that directors share, in a file that only its owner may read. */
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { UvsError } from "../../core/errors.js";

const LEAST_BYTES = 16;
const MOST_BYTES = 1024;

/**
 * Reads a key: all bytes of the file without white space at the end.
 * @throws UvsError CONFIG, with what is wrong and what to do
 */
export function readKeyFile(path: string): Buffer {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw refusal(`${path} cannot be read: ${code}`);
  }
  try {
    const { mode, size } = fstatSync(fd);
    if ((mode & 0o077) !== 0) {
      const found = (mode & 0o777).toString(8).padStart(4, "0");
      throw refusal(`${path} has mode ${found}, so others may read the key: chmod 600 ${path}`);
    }
    if (size > MOST_BYTES + 2) throw refusal(`${path} has ${size} bytes, accepted are at most ${MOST_BYTES}`);
    const key = trimEnd(readFileSync(fd));
    if (key.length >= LEAST_BYTES) return key;
    throw refusal(
      `${path} has a key of ${key.length} bytes, accepted are at least ${LEAST_BYTES}: openssl rand -hex 32 > ${path}`,
    );
  } finally {
    closeSync(fd);
  }
}

function trimEnd(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] <= 0x20) end--;
  return bytes.subarray(0, end);
}

function refusal(message: string): UvsError {
  return new UvsError("CONFIG", `ha.sync.key-file: ${message}`, { side: "config" });
}
