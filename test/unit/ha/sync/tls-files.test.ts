/** Which certificates, keys and authorities are accepted, and what is said of the others. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { SyncTlsSettings } from "../../../../src/core/sync-settings.js";
import { inspectTlsFiles, readTlsFiles } from "../../../../src/ha/sync/tls-files.js";
import { Authority } from "../../../helpers/authority.js";

const authority = new Authority({ after });
const good = authority.issue("lb1");
const other = authority.issue("lb2");
const file = (name: string, text: string): string => {
  const path = join(authority.folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
};

/** What is said of files of which some differ from good ones. */
function problems(files: Partial<SyncTlsSettings>): string[] {
  const found = inspectTlsFiles({ ...good, ...files });
  return "problems" in found ? found.problems.map(({ field, message }) => `${field}: ${message}`) : [];
}

describe("the files of TLS", () => {
  test("are read, with whom the certificate is for and until when", () => {
    const { subject, expires, warnings } = readTlsFiles(good);
    assert.equal(subject, "CN=lb1");
    assert.ok(Date.parse(expires) > Date.now());
    assert.deepEqual(warnings, []);
  });

  test("may have certificates between the own one and the authority, and text around them", () => {
    const chain = `lb1\n${readFileSync(good.certificate, "utf8")}\nca\n${readFileSync(good.ca, "utf8")}`;
    assert.deepEqual(problems({ certificate: file("chain.pem", chain) }), []);
  });

  test("that are missing are named each, with the key that names them", () => {
    const found = problems({ certificate: "/no/a", key: "/no/b", ca: "/no/c" });
    assert.deepEqual(found, [
      "certificate: /no/a does not exist (ENOENT), accepted is a readable file in PEM",
      "key: /no/b does not exist (ENOENT), accepted is a readable file in PEM",
      "ca: /no/c does not exist (ENOENT), accepted is a readable file in PEM",
    ]);
    assert.match(problems({ ca: authority.folder })[0], /^ca: .* is a directory \(EISDIR\)/);
  });

  test("that are no PEM are refused", () => {
    const junk = file("junk", "no certificate at all");
    assert.match(problems({ certificate: junk })[0], /^certificate: .*junk has none, accepted is .* in PEM/);
    assert.match(problems({ ca: junk })[0], /^ca: .*junk has none, accepted is a certificate in PEM/);
    assert.match(problems({ key: junk })[0], /^key: .*junk has none, accepted is a private key in PEM/);
    const torn = readFileSync(good.certificate, "utf8").replace(/MII.{30}/, "MIIB");
    assert.match(problems({ ca: file("torn", torn) })[0], /^ca: .*torn has one that cannot be read/);
  });

  test("of two certificates are not taken for one", () => {
    assert.match(
      problems({ key: other.key })[0],
      /^key: .*lb2\.key is not the key of .*lb1\.pem \(CN=lb1\), accepted is the one that it was made with$/,
    );
  });

  test("with a passphrase are refused, with the command that takes it off", () => {
    const path = join(authority.folder, "encrypted.key");
    execFileSync("openssl", ["pkey", "-in", good.key, "-aes256", "-passout", "pass:x", "-out", path]);
    assert.match(
      problems({ key: path })[0],
      /^key: .* is encrypted, .*openssl pkey -in .*encrypted\.key -out NEW$/,
    );
  });

  test("with a key that everybody may read are refused, with the command that mends it", () => {
    const path = join(authority.folder, "open.key");
    copyFileSync(good.key, path);
    chmodSync(path, 0o644);
    assert.match(problems({ key: path })[0], /^key: .* has mode 0644, .*chmod 600 .*open\.key$/);
    chmodSync(path, 0o640);
    assert.deepEqual(problems({ key: path }), []);
  });

  test("that have expired are warned of, and used", () => {
    const { warnings } = readTlsFiles(authority.issue("old", { days: -1 }));
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /^ha\.sync\.tls\.certificate: .*old\.pem \(CN=old\) has expired on /);
  });

  test("that cannot be used are an error of the configuration where they are needed", () => {
    assert.throws(() => readTlsFiles({ ...good, key: "/no/b" }), {
      code: "CONFIG",
      message: /^ha\.sync\.tls\.key: \/no\/b does not exist/,
    });
  });
});
