/** Checks against the real servers of Debian's packages: each passes, fails for the right reason, and fails once it is stopped. */
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type CheckKind, createChecker } from "../../src/health/checks/registry.js";
import { Programs } from "../../src/health/program.js";
import { systemTimers } from "../../src/health/timers.js";
import { selfSigned } from "../helpers/certificates.js";
import { runProbe, told } from "../helpers/check-probe.js";
import {
  prepareDovecot,
  prepareFreeradius,
  prepareMariadb,
  prepareNginx,
  preparePostfix,
  preparePostgres,
  prepareSlapd,
  prepareVsftpd,
} from "../helpers/lab-servers.js";
import {
  freePort,
  type RealServer,
  type ServerCommand,
  skipWithout,
  startServer,
} from "../helpers/real-server.js";

const isRoot = process.getuid?.() === 0;
const tools = { programs: new Programs(systemTimers) };

/** What a check of a server comes to: what it is about, its kind and options, and its result in a line. */
type Case = readonly [
  about: string,
  kind: CheckKind,
  options: Readonly<Record<string, unknown>>,
  result: RegExp,
];

interface Lab {
  /** Programs that must be there. */
  readonly needs: readonly string[];
  readonly needsRoot?: boolean;
  /** Prepares the folder, which everybody may read, and says how the server is started. */
  prepare(folder: string, port: number): ServerCommand;
  readonly cases: readonly Case[];
  /** How the first case fails once the server is stopped. @default connection refused */
  readonly stopped?: RegExp;
}

const LOGIN = { user: "check", password: "secret" };
const WRONG = { user: "check", password: "wrong" };

const labs: Readonly<Record<string, Lab>> = {
  "redis-server": {
    needs: ["redis-server"],
    prepare: (folder, port) => ({
      program: "redis-server",
      args: [
        "--port",
        `${port}`,
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        folder,
        "--requirepass",
        "secret",
      ],
    }),
    cases: [
      ["a password lets PING through", "redis", { password: "secret" }, /^passed L7OK: answered PONG$/],
      ["without a password it fails", "redis", {}, /^failed L7STS: PING answered with "-NOAUTH/],
      ["a wrong password fails", "redis", { password: "x" }, /^failed L7STS: AUTH answered with "-WRONGPASS/],
    ],
  },
  PostgreSQL: {
    needs: ["initdb", "postgres", "openssl"],
    prepare: preparePostgres,
    cases: [
      ["it asks for a login", "postgres", {}, /^passed L7OK: asks for a login$/],
      ["a login by SCRAM passes", "postgres", { ...LOGIN, database: "postgres" }, /^passed L7OK: logged in$/],
      [
        "a login over TLS passes",
        "postgres",
        { ...LOGIN, database: "postgres", tls: {} },
        /^passed L7OK: logged in$/,
      ],
      [
        "a wrong password fails",
        "postgres",
        { ...WRONG, database: "postgres" },
        /^failed L7STS: login answered with error "28P01" "password authentication failed/,
      ],
      [
        "a database that is not there fails",
        "postgres",
        { ...LOGIN, database: "none" },
        /^failed L7STS: .*"3D000"/,
      ],
      [
        "a query with a row passes",
        "postgres",
        { ...LOGIN, database: "postgres", query: "SELECT repeat('x', 100000)" },
        /^passed L7OK: the query returned a row$/,
      ],
      [
        "a query without rows fails",
        "postgres",
        { ...LOGIN, database: "postgres", query: "SELECT 1 WHERE false" },
        /^failed L7RSP: the query returned no rows$/,
      ],
      [
        "a query with an error fails",
        "postgres",
        { ...LOGIN, database: "postgres", query: "SELEKT" },
        /"42601"/,
      ],
    ],
  },
  "nginx over http": {
    needs: ["nginx"],
    prepare: (folder, port) => prepareNginx(folder, `listen 127.0.0.1:${port};`),
    cases: [
      ["a page passes", "http", { path: "/up" }, /^passed L7OK: status 200$/],
      ["its body is looked at", "http", { path: "/up", bodyRegex: "^all (well|good)" }, /^passed/],
      [
        "another body fails",
        "http",
        { path: "/up", body: "ill" },
        /^failed L7RSP: body without the text "ill"/,
      ],
      ["a missing page fails", "http", { path: "/none" }, /^failed L7STS: status 404/],
      ["TLS fails", "tls", {}, /^failed L6RSP: TLS: /],
    ],
  },
  "nginx over https": {
    needs: ["nginx", "openssl"],
    prepare(folder, port) {
      const { cert, key } = selfSigned(folder, "web.example");
      return prepareNginx(
        folder,
        `listen 127.0.0.1:${port} ssl; ssl_certificate ${cert}; ssl_certificate_key ${key};`,
      );
    },
    cases: [
      ["a page passes", "http", { path: "/up", tls: {} }, /^passed L7OK: status 200$/],
      ["the handshake passes", "tls", {}, /^passed L6OK: TLSv1\.[23] handshake$/],
      [
        "a certificate about to expire fails",
        "tls",
        { minimumDays: 90 },
        /^failed L6RSP: certificate has .* days left/,
      ],
      [
        "a certificate that nobody signed fails where it is verified",
        "tls",
        { verify: true },
        /^failed L6RSP: TLS: self.signed/,
      ],
      ["a request in the clear fails", "http", { path: "/up" }, /^failed L7STS: status 400/],
    ],
  },
  dnsmasq: {
    needs: ["dnsmasq"],
    prepare: (_folder, port) => ({
      program: "dnsmasq",
      args: [
        ...["--no-daemon", "--conf-file=/dev/null", "--pid-file=", "--no-resolv", "--no-hosts"],
        ...[`--port=${port}`, "--listen-address=127.0.0.1", "--bind-interfaces"],
        ...(isRoot ? ["--user=root"] : []),
        ...["--address=/www.example/192.0.2.1", "--address=/www.example/2001:db8::1"],
        ...["--mx-host=example,mx.example,10", "--ptr-record=1.2.0.192.in-addr.arpa,www.example"],
      ],
    }),
    cases: [
      [
        "an address passes",
        "dns",
        { name: "www.example", type: "A", answer: "192.0.2.1" },
        /^passed L7OK: answered with "192.0.2.1"$/,
      ],
      [
        "an IPv6 address passes",
        "dns",
        { name: "www.example", type: "AAAA", answer: "2001:DB8:0::1" },
        /^passed/,
      ],
      ["tcp passes", "dns", { name: "www.example", type: "A", transport: "tcp" }, /^passed/],
      [
        "a mail exchanger passes",
        "dns",
        { name: "example", type: "MX", answer: "10 mx.example." },
        /^passed/,
      ],
      [
        "a name by address passes",
        "dns",
        { name: "192.0.2.1", type: "PTR", answerRegex: "^www[.]" },
        /^passed/,
      ],
      [
        "another address fails",
        "dns",
        { name: "www.example", type: "A", answer: "192.0.2.9" },
        /^failed L7RSP: expected "192.0.2.9"/,
      ],
      [
        "a name that it refuses fails",
        "dns",
        { name: "other.example", type: "A" },
        /^failed L7STS: answered with REFUSED$/,
      ],
      ["a datagram to it is not refused", "udp", {}, /^passed L4OK/],
    ],
    stopped: /^failed L4CON: port unreachable \(ICMP\)$/,
  },
  slapd: {
    needs: ["slapd", "slapadd"],
    prepare: prepareSlapd,
    cases: [
      [
        "an anonymous bind and search pass",
        "ldap",
        { baseDn: "dc=example" },
        /^passed L7OK: found the entry "dc=example"$/,
      ],
      ["the root entry is found", "ldap", { baseDn: "" }, /^passed L7OK: found the entry ""$/],
      ["a login passes", "ldap", { user: "cn=admin,dc=example", password: "secret" }, /^passed L7OK: bound$/],
      [
        "a wrong password fails",
        "ldap",
        { user: "cn=admin,dc=example", password: "x" },
        /invalidCredentials \(49\)/,
      ],
      [
        "a missing entry fails",
        "ldap",
        { baseDn: "cn=none,dc=example" },
        /^failed L7STS: search answered with noSuchObject \(32\)/,
      ],
    ],
  },
  MariaDB: {
    needs: ["mariadbd", "mariadb-install-db", "my_print_defaults", "openssl"],
    prepare: prepareMariadb,
    cases: [
      ["the greeting passes", "mysql", {}, /^passed L7OK: greeted by version ".*MariaDB/],
      ["a login passes", "mysql", LOGIN, /^passed L7OK: logged in$/],
      ["a login over TLS passes", "mysql", { ...LOGIN, tls: {} }, /^passed L7OK: logged in$/],
      ["a wrong password fails", "mysql", WRONG, /^failed L7STS: login answered with error 1045/],
      [
        "a forbidden database fails",
        "mysql",
        { ...LOGIN, database: "mysql" },
        /^failed L7STS: login answered with error 1044/,
      ],
      [
        "a query with a row passes",
        "mysql",
        { ...LOGIN, query: "SELECT REPEAT('x', 100000)" },
        /^passed L7OK: the query/,
      ],
      [
        "a query without rows fails",
        "mysql",
        { ...LOGIN, query: "SELECT 1 FROM DUAL WHERE 0" },
        /^failed L7RSP: the query/,
      ],
    ],
  },
  postfix: {
    needs: ["postfix", "openssl"],
    needsRoot: true,
    prepare: preparePostfix,
    cases: [
      ["the greeting passes", "smtp", {}, /^passed L7OK: greeted by "mx.example"$/],
      [
        "STARTTLS passes",
        "smtp",
        { startTls: true, tls: { sni: "mx.example" } },
        /^passed L7OK: greeted by "mx.example"$/,
      ],
      [
        "STARTTLS with a certificate that nobody signed fails where it is verified",
        "smtp",
        { startTls: true, tls: { sni: "mx.example", verify: true } },
        /^failed L6RSP: TLS: self.signed/,
      ],
    ],
  },
  "dovecot for imap": {
    needs: ["dovecot", "imap-login"],
    needsRoot: true,
    prepare: (folder, port) => prepareDovecot(folder, "imap", port),
    cases: [
      ["the greeting passes", "imap", {}, /^passed L7OK: greeted by "\* OK .*Dovecot/],
      ["a login passes", "imap", LOGIN, /^passed L7OK: logged in$/],
      [
        "a wrong password fails",
        "imap",
        WRONG,
        /^failed L7STS: LOGIN answered with "a1 NO \[AUTHENTICATIONFAILED\]/,
      ],
    ],
  },
  "dovecot for pop3": {
    needs: ["dovecot", "pop3-login"],
    needsRoot: true,
    prepare: (folder, port) => prepareDovecot(folder, "pop3", port),
    cases: [
      ["the greeting passes", "pop", {}, /^passed L7OK: greeted by "\+OK Dovecot/],
      ["a login passes", "pop", LOGIN, /^passed L7OK: logged in$/],
      ["a wrong password fails", "pop", WRONG, /^failed L7STS: PASS answered with "-ERR \[AUTH\]/],
    ],
  },
  vsftpd: {
    needs: ["vsftpd"],
    prepare: prepareVsftpd,
    cases: [
      ["the greeting passes", "ftp", {}, /^passed L7OK: greeted by "\(vsFTPd/],
      [
        "a file is fetched",
        "ftp",
        { path: "up.txt", bodyRegex: "^all well" },
        /^passed L7OK: fetched 9 bytes$/,
      ],
      ["a missing file fails", "ftp", { path: "none" }, /^failed L7STS: RETR answered with 550/],
      ["an unknown user fails", "ftp", LOGIN, /^failed L7STS: USER answered with 530/],
    ],
  },
  freeradius: {
    needs: ["freeradius"],
    prepare: prepareFreeradius,
    cases: [
      [
        "a user is accepted",
        "radius",
        { ...LOGIN, secret: "testing123" },
        /^passed L7OK: answered with Access-Accept$/,
      ],
      [
        "the status is told",
        "radius",
        { secret: "testing123" },
        /^passed L7OK: answered with Access-Accept$/,
      ],
      [
        "a wrong password fails",
        "radius",
        { ...WRONG, secret: "testing123" },
        /^failed L7STS: answered with Access-Reject/,
      ],
    ],
    stopped: /^failed L4CON: port unreachable \(ICMP\)$/,
  },
};

for (const [name, lab] of Object.entries(labs)) {
  describe(name, { skip: skipWithout(lab.needs, lab.needsRoot) }, () => {
    const folder = mkdtempSync(join(tmpdir(), "uvs-lab-"));
    let server: RealServer | undefined;
    let port = 0;
    before(async () => {
      chmodSync(folder, 0o755);
      port = await freePort();
      server = await startServer(lab.prepare(folder, port), port);
    });
    after(async () => {
      await server?.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    const probe = async (kind: CheckKind, options: object): Promise<string> =>
      told(await runProbe(createChecker(kind, options as never, tools), { address: "127.0.0.1", port }));

    for (const [about, kind, options, result] of lab.cases) {
      test(about, async () => assert.match(await probe(kind, options), result));
    }
    test("once it is stopped the check fails", async () => {
      await server?.stop();
      const [, kind, options] = lab.cases[0];
      assert.match(await probe(kind, options), lab.stopped ?? /^failed L4CON: connection refused$/);
    });
  });
}

describe("the system's ping", { skip: skipWithout(["ping"]) }, () => {
  const ping = async (address: string, timeoutMs: number): Promise<string> =>
    told(await runProbe(createChecker("ping", {}, tools), { address, port: 0 }, { timeoutMs }));

  test("passes on a host that is there, by IPv4 and by name", async () => {
    assert.equal(await ping("127.0.0.1", 5000), "passed L4OK: echo reply");
    assert.equal(await ping("localhost", 5000), "passed L4OK: echo reply");
  });

  test("fails on a name that nobody knows", async () => {
    assert.match(await ping(`${"x".repeat(70)}.invalid`, 5000), /^failed PROCERR: .*exit status 2/);
  });
});
