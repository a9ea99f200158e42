import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** Files of a certificate and its key, PEM. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Makes a self-signed certificate with the `openssl` program. @param days until it ends; negative: it has ended */
export function selfSigned(folder: string, name: string, days = 30): CertificateFiles {
  const files = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
  const run = (...args: string[]): void => {
    execFileSync("openssl", args, { stdio: "ignore" });
  };
  const request = join(folder, `${name}.csr`);
  run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", files.key);
  run(
    "req",
    "-new",
    "-key",
    files.key,
    "-subj",
    `/CN=${name}`,
    "-addext",
    `subjectAltName=DNS:${name}`,
    "-out",
    request,
  );
  run(
    "x509",
    "-req",
    "-in",
    request,
    "-signkey",
    files.key,
    "-days",
    String(days),
    "-copy_extensions",
    "copy",
    "-out",
    files.cert,
  );
  return files;
}
