/** An authority that issues certificates, made with the commands of docs/replication.md. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SyncTlsSettings } from "../../src/core/sync-settings.js";

/** How a certificate differs from those of the manual. */
export interface IssueOptions {
  /** @default DNS: and its name */
  readonly subjectAltName?: string;
  /** Until it ends; negative: it has ended. @default 30 */
  readonly days?: number;
  /** @default both */
  readonly extendedKeyUsage?: string;
}

/** See the file's head. */
export class Authority {
  readonly folder: string;
  readonly #name: string;

  /** @param t removes its files */
  constructor(t: { after(clean: () => void): void }, name = "directors") {
    this.folder = mkdtempSync(join(tmpdir(), "uvs-ca-"));
    this.#name = name;
    t.after(() => rmSync(this.folder, { recursive: true, force: true }));
    openssl(
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-days", "30", "-subj", `/CN=${name}`, "-keyout", this.#path("ca.key"), "-out", this.ca],
    );
  }

  /** File of its own certificate. */
  get ca(): string {
    return this.#path("ca.pem");
  }

  /** A key and a certificate of this authority. */
  issue(name: string, options: IssueOptions = {}): SyncTlsSettings {
    const { subjectAltName = `DNS:${name}`, days = 30, extendedKeyUsage = "serverAuth,clientAuth" } = options;
    const [request, key, certificate] = ["csr", "key", "pem"].map((end) => this.#path(`${name}.${end}`));
    openssl(
      ...["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
      ...["-subj", `/CN=${name}`, "-addext", `subjectAltName=${subjectAltName}`],
      ...["-addext", `extendedKeyUsage=${extendedKeyUsage}`, "-keyout", key, "-out", request],
    );
    openssl(
      ...["x509", "-req", "-in", request, "-CA", this.ca, "-CAkey", this.#path("ca.key")],
      ...["-days", String(days), "-copy_extensions", "copy", "-out", certificate],
    );
    return { certificate, key, ca: this.ca };
  }

  #path(file: string): string {
    return join(this.folder, `${this.#name}-${file}`);
  }
}

function openssl(...args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: "ignore" });
}
