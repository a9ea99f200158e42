/**
 * Check kind `ftp`: the greeting; with a login, that; with a path, the file is fetched in passive mode (RFC 959, RFC 2428)
 * and may be looked at. What is fetched is read up to MAX_FILE.
 */
import { isIP } from "node:net";
import { type Checker, CheckFailure, type CheckResult, type Probe, passed } from "../checker.js";
import { escaped, excerpt } from "../excerpt.js";
import { invalidOption, singleLine } from "../option.js";
import { compilePattern } from "../pattern.js";
import { converse, type Dialogue } from "./dialogue.js";
import { checkLogin, type LoginOptions } from "./login.js";
import { expectReply, farewell } from "./reply.js";

/** Parameters of an FTP check, as plain data. */
export interface FtpOptions extends LoginOptions {
  /** File to fetch; logs in as `anonymous` where no user is given. @default none: greeting and login only */
  readonly path?: string;
  /** Regular expression that must match in the file (see pattern.ts); needs `path`. @default none */
  readonly bodyRegex?: string;
}

const MAX_FILE = 64 * 1024;
const ANONYMOUS = { user: "anonymous", password: "uvs@" };

/** Makes an FTP checker. @throws UvsError INVALID */
export function ftpCheck(options: FtpOptions = {}): Checker {
  const { bodyRegex } = options;
  const path = options.path === undefined ? undefined : singleLine("path", options.path);
  if (path === "") throw invalidOption("path", path, "the path of a file");
  if (bodyRegex !== undefined && path === undefined) {
    throw invalidOption("bodyRegex", bodyRegex, "a regular expression only together with path");
  }
  const pattern = bodyRegex === undefined ? undefined : compilePattern("bodyRegex", bodyRegex);
  const login = checkLogin(options) ?? (path === undefined ? undefined : ANONYMOUS);
  return {
    kind: "ftp",
    name: path !== undefined ? `ftp RETR ${escaped(path)}` : login ? "ftp login" : "ftp greeting",
    key: `ftp ${JSON.stringify([login, path, bodyRegex])}`,
    probe: (probe) =>
      converse(probe, undefined, async (dialogue): Promise<CheckResult> => {
        const { lines } = await expectReply(dialogue, "connect", 220);
        if (login) await logIn(dialogue, login.user, login.password);
        const file = path === undefined ? undefined : await fetchFile(dialogue, probe, path);
        await farewell(dialogue, "QUIT\r\n");
        if (pattern && file && !pattern.test(file.toString("utf8"))) {
          throw new CheckFailure("L7RSP", `file does not match ${excerpt(pattern.source)}: ${excerpt(file)}`);
        }
        if (file) return passed("L7OK", `fetched ${file.length} bytes`);
        return passed("L7OK", login ? "logged in" : `greeted by ${excerpt(lines[0])}`);
      }),
  };
}

async function logIn(dialogue: Dialogue, user: string, password: string): Promise<void> {
  dialogue.write(`USER ${user}\r\n`);
  const { code } = await expectReply(dialogue, "USER", 230, 331);
  if (code === 230) return;
  dialogue.write(`PASS ${password}\r\n`);
  await expectReply(dialogue, "PASS", 230, 202);
}

async function fetchFile(dialogue: Dialogue, probe: Probe, path: string): Promise<Buffer> {
  dialogue.write("TYPE I\r\n");
  await expectReply(dialogue, "TYPE I", 200);
  // The data connection goes where the control connection went: an address that the realserver names is not believed.
  const address = dialogue.socket.remoteAddress ?? probe.target.address;
  const port = await passivePort(dialogue, isIP(address) === 6 && !address.startsWith("::ffff:"));
  return converse(
    { ...probe, target: { address, port }, proxyProtocol: undefined },
    undefined,
    async (data) => {
      dialogue.write(`RETR ${path}\r\n`);
      await expectReply(dialogue, "RETR", 125, 150);
      const { file, isWhole } = await readFile(data);
      if (isWhole) await expectReply(dialogue, "RETR", 226, 250);
      return file;
    },
  );
}

async function passivePort(dialogue: Dialogue, isIPv6: boolean): Promise<number> {
  const command = isIPv6 ? "EPSV" : "PASV";
  dialogue.write(`${command}\r\n`);
  const { lines } = await expectReply(dialogue, command, isIPv6 ? 229 : 227);
  const text = lines.join(" ");
  const [, extended] = /\(\|\|\|(\d{1,5})\|\)/.exec(text) ?? [];
  const [, high, low] = /\d+,\d+,\d+,\d+,(\d{1,3}),(\d{1,3})/.exec(text) ?? [];
  const port = isIPv6 ? Number(extended) : Number(high) * 256 + Number(low);
  if (port > 0 && port <= 0xffff) return port;
  throw new CheckFailure("L7RSP", `${command} answered without a port: ${excerpt(text)}`);
}

async function readFile(data: Dialogue): Promise<{ file: Buffer; isWhole: boolean }> {
  const chunks: Buffer[] = [];
  for (let size = 0; size < MAX_FILE; ) {
    const chunk = await data.read();
    if (chunk === undefined) return { file: Buffer.concat(chunks), isWhole: true };
    chunks.push(chunk);
    size += chunk.length;
  }
  return { file: Buffer.concat(chunks).subarray(0, MAX_FILE), isWhole: false };
}
