/** The certificate, the key and the authorities of a link that speaks TLS: read, and judged before anything uses them. */
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { UvsError } from "../../core/errors.js";
import type { SyncTlsSettings } from "../../core/sync-settings.js";

/** Which file of `ha.sync.tls` is meant. */
export type TlsField = "certificate" | "key" | "ca";

/** What is wrong with one of the files. */
export interface TlsFileProblem {
  readonly field: TlsField;
  /** What was found and what is accepted. */
  readonly message: string;
}

/** Files that can be used. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
  readonly ca: string;
  /** Whom the certificate is for, on one line. */
  readonly subject: string;
  /** ISO 8601. */
  readonly expires: string;
  /** What works and yet should be mended: certificates that have ended. */
  readonly warnings: readonly string[];
}

const MAX_BYTES = 1024 * 1024;
const CERTIFICATES = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
const PEM_CERTIFICATE = "accepted is a certificate in PEM (-----BEGIN CERTIFICATE-----)";

/**
 * Reads the files of a link.
 * @throws UvsError CONFIG, naming the first of the keys that cannot be used
 */
export function readTlsFiles(settings: SyncTlsSettings): TlsFiles {
  const found = inspectTlsFiles(settings);
  if ("files" in found) return found.files;
  const [{ field, message }] = found.problems;
  throw new UvsError("CONFIG", `ha.sync.tls.${field}: ${message}`, { side: "config" });
}

/** Reads the files of a link. @returns them, or what is wrong: at most one problem a file */
export function inspectTlsFiles(
  settings: SyncTlsSettings,
): { readonly files: TlsFiles } | { readonly problems: readonly TlsFileProblem[] } {
  const problems: TlsFileProblem[] = [];
  const attempt = <T>(field: TlsField, read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      problems.push({ field, message: UvsError.from(error).message });
      return undefined;
    }
  };
  const certificate = attempt("certificate", () => readCertificates(settings.certificate));
  const key = attempt("key", () => readKey(settings.key));
  const ca = attempt("ca", () => readCertificates(settings.ca));
  if (certificate !== undefined && key !== undefined) {
    attempt("key", () => checkPair(settings, certificate, key));
  }
  if (certificate === undefined || key === undefined || ca === undefined || problems.length > 0) {
    return { problems };
  }
  const [own] = certificate.parsed;
  const files = {
    certificate: certificate.text,
    key: key.text,
    ca: ca.text,
    subject: subjectOf(own),
    expires: new Date(own.validTo).toISOString(),
    warnings: [
      ...untimely("certificate", settings.certificate, own),
      ...ca.parsed.flatMap((found) => untimely("ca", settings.ca, found)),
    ],
  };
  return { files };
}

/** Whom a certificate is for: on one line, and short. */
export function subjectOf({ subject, subjectAltName }: X509Certificate): string {
  const text = subject === "" || subject === undefined ? (subjectAltName ?? "(no subject)") : subject;
  return text
    .replace(/[\r\n]+/g, ", ")
    .replace(/[^\x20-\x7e]/g, "?")
    .slice(0, 100);
}

interface Certificates {
  readonly text: string;
  /** At least one, in the order of the file. */
  readonly parsed: readonly X509Certificate[];
}

interface Key {
  readonly text: string;
  readonly parsed: KeyObject;
}

function readCertificates(path: string): Certificates {
  const text = readText(path, false);
  const blocks = text.match(CERTIFICATES) ?? [];
  if (blocks.length === 0) throw refusal(`${path} has none, ${PEM_CERTIFICATE}`);
  const parsed = blocks.map((block, i) => {
    try {
      return new X509Certificate(block);
    } catch {
      const which = blocks.length === 1 ? "one" : `one (number ${i + 1})`;
      throw refusal(`${path} has ${which} that cannot be read, ${PEM_CERTIFICATE}`);
    }
  });
  return { text, parsed };
}

function readKey(path: string): Key {
  const text = readText(path, true);
  if (/BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(text)) {
    throw refusal(
      `${path} is encrypted, accepted is a key without a passphrase: openssl pkey -in ${path} -out NEW`,
    );
  }
  try {
    return { text, parsed: createPrivateKey(text) };
  } catch {
    throw refusal(`${path} has none, accepted is a private key in PEM (-----BEGIN PRIVATE KEY-----)`);
  }
}

/** @throws UvsError where one is not the other's, or OpenSSL takes neither */
function checkPair(files: SyncTlsSettings, certificate: Certificates, key: Key): void {
  const [own] = certificate.parsed;
  if (!own.checkPrivateKey(key.parsed)) {
    throw refusal(
      `${files.key} is not the key of ${files.certificate} (${subjectOf(own)}), accepted is the one that it was made with`,
    );
  }
  try {
    createSecureContext({ cert: certificate.text, key: key.text });
  } catch (error) {
    throw refusal(
      `${files.key} and ${files.certificate} are not taken by OpenSSL: ${(error as Error).message}`,
    );
  }
}

function untimely(field: TlsField, path: string, certificate: X509Certificate): string[] {
  const { validFrom, validTo } = certificate;
  const what = `ha.sync.tls.${field}: ${path} (${subjectOf(certificate)})`;
  if (Date.parse(validTo) < Date.now()) return [`${what} has expired on ${validTo}: peers do not accept it`];
  if (Date.parse(validFrom) > Date.now())
    return [`${what} is valid from ${validFrom} only: is the clock right?`];
  return [];
}

function readText(path: string, isSecret: boolean): string {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    const { mode, size } = fstatSync(fd);
    if (isSecret && (mode & 0o007) !== 0) {
      const found = (mode & 0o777).toString(8).padStart(4, "0");
      throw refusal(
        `${path} has mode ${found}, so everybody may read the key, accepted is: chmod 600 ${path}`,
      );
    }
    if (size > MAX_BYTES) throw refusal(`${path} has ${size} bytes, accepted are at most ${MAX_BYTES}`);
    return readFileSync(fd, "latin1");
  } catch (error) {
    if (error instanceof UvsError) throw error;
    throw unreadable(path, error);
  } finally {
    closeSync(fd);
  }
}

function unreadable(path: string, error: unknown): UvsError {
  const { code } = error as NodeJS.ErrnoException;
  const why =
    code === "ENOENT"
      ? "does not exist (ENOENT)"
      : code === "EISDIR"
        ? "is a directory (EISDIR)"
        : `cannot be read by user id ${process.getuid?.() ?? "unknown"} (${code})`;
  return refusal(`${path} ${why}, accepted is a readable file in PEM`);
}

function refusal(message: string): UvsError {
  return new UvsError("CONFIG", message, { side: "config" });
}
