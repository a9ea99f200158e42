/** Replaces a file so that whoever reads it, even after a crash, finds the old text or the new one and nothing between. */
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Writes a file anew, readable for its owner alone: a new file beside it, fsync, rename, fsync of the directory.
 * @throws the system call's error; the old file is as it was then
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  // What is left of a write that was interrupted; "wx" follows no link that somebody may have put there.
  await rm(temporary, { force: true });
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/** Makes what was renamed in a folder survive a power failure. @throws the system call's error */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
