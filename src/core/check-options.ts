/**
 * The options of the check kinds, as data: what the configuration's schema and its documentation are made of. Values are
 * judged by the kinds themselves (`src/health/checks`), whose options have these names.
 */

/** What an option is written as. */
export type CheckOptionForm = "text" | "number" | "flag" | "texts" | "mapping" | "tls" | "steps";

/** One option; `key` is how the configuration file spells it where that is not the name with hyphens. */
export interface CheckOptionSpec {
  readonly form: CheckOptionForm;
  readonly key?: string;
  readonly meaning: string;
}

/** The options of TLS, as keys of `tls` and of the kind `tls`. */
export const TLS_OPTIONS = {
  sni: { form: "text", meaning: "Server name of the TLS handshake." },
  verify: { form: "flag", meaning: "Whether the certificate must be valid; it need not by default." },
  verifyName: { form: "text", meaning: "Name that the certificate must have." },
  ca: { form: "text", meaning: "Path of the certificates to trust, PEM." },
  minimumDays: { form: "number", meaning: "Fails where the certificate ends in fewer days." },
} as const satisfies Readonly<Record<string, CheckOptionSpec>>;

/** All options of all kinds. */
export const CHECK_OPTIONS: Readonly<Record<string, CheckOptionSpec>> = {
  ...TLS_OPTIONS,
  tls: { form: "tls", meaning: "Over TLS, with these parameters." },
  method: { form: "text", meaning: "HTTP method; GET by default." },
  path: { form: "text", meaning: "Path of the page, the program, the flag file, or the file to fetch." },
  host: { form: "text", meaning: "Host header; of a program the name that stands for the realserver." },
  headers: { form: "mapping", meaning: "Further HTTP headers." },
  status: { form: "text", meaning: "HTTP codes that pass: 200-299,301 or 2xx." },
  body: { form: "text", meaning: "Text that the body must contain." },
  bodyRegex: { form: "text", meaning: "Regular expression that must match in the body." },
  bodyHash: { form: "text", meaning: "Digest of the whole body: sha256:HEX or md5:HEX." },
  bodyLimit: { form: "number", meaning: "Bytes of the body that are read." },
  redirects: { form: "number", meaning: "Redirects that are followed." },
  steps: {
    form: "steps",
    meaning:
      "What is said in order, one of send, send-hex, expect, expect-hex, expect-regex, or end: true in each entry.",
  },
  startTls: { form: "flag", meaning: "SMTP: begins TLS by STARTTLS." },
  helo: { form: "text", meaning: "Name of the director in SMTP." },
  user: { form: "text", meaning: "Name to log in with; of LDAP the DN." },
  password: { form: "text", meaning: "Password to log in with." },
  name: { form: "text", meaning: "DNS name to look up." },
  type: { form: "text", key: "record", meaning: "DNS record type." },
  transport: { form: "text", meaning: "udp or tcp, for DNS and SIP." },
  answer: { form: "text", meaning: "DNS record that must be among the answers." },
  answerRegex: { form: "text", meaning: "Regular expression that a DNS answer must match." },
  database: { form: "text", meaning: "Database to open." },
  query: { form: "text", meaning: "SQL that must give a row." },
  baseDn: { form: "text", meaning: "LDAP entry that must be there." },
  dnRegex: { form: "text", meaning: "Regular expression that the found DN must match." },
  uri: { form: "text", meaning: "SIP URI of the OPTIONS request." },
  secret: { form: "text", meaning: "RADIUS secret." },
  nasIdentifier: { form: "text", meaning: "RADIUS NAS-Identifier." },
  send: { form: "text", meaning: "Text to send." },
  sendHex: { form: "text", meaning: "Bytes to send, in hexadecimal." },
  expect: { form: "text", meaning: "What the answer must begin with; of radius accept or any." },
  expectHex: { form: "text", meaning: "The same in hexadecimal." },
  requireReply: { form: "flag", meaning: "UDP: whether silence is a failure." },
  minLength: { form: "number", meaning: "Shortest datagram accepted." },
  maxLength: { form: "number", meaning: "Longest datagram accepted." },
  args: { form: "texts", meaning: "Arguments of the program." },
  style: {
    form: "text",
    meaning: "How a program is called: plain, keepalived, mon, ldirectord, ldirectord-perl.",
  },
  dynamicWeight: { form: "flag", meaning: "Whether a keepalived program's exit status sets the weight." },
  env: { form: "mapping", meaning: "Added to the environment of the program." },
  action: { form: "text", meaning: "What the flag file does: down, drain, maint." },
  when: { form: "text", meaning: "When the flag file does it: present, nonzero." },
  factor: { form: "number", meaning: "Weight that a number in the flag file is multiplied by." },
};

const LOGIN = ["user", "password"];
const HTTP = [
  ...["tls", "method", "path", "host", "headers", "status", "body", "bodyRegex", "bodyHash", "bodyLimit"],
  "redirects",
];

/** Which options each kind has. */
export const OPTIONS_OF_KIND: Readonly<Record<string, readonly string[]>> = {
  connect: [],
  tls: Object.keys(TLS_OPTIONS),
  "tcp-expect": ["tls", "steps"],
  http: HTTP,
  https: HTTP,
  smtp: ["tls", "startTls", "helo"],
  pop: ["tls", ...LOGIN],
  imap: ["tls", ...LOGIN],
  ftp: [...LOGIN, "path", "bodyRegex"],
  dns: ["name", "type", "transport", "answer", "answerRegex"],
  redis: ["tls", ...LOGIN],
  mysql: ["tls", ...LOGIN, "database", "query"],
  postgres: ["tls", ...LOGIN, "database", "query"],
  ldap: ["tls", ...LOGIN, "baseDn", "dnRegex"],
  sip: ["transport", "uri"],
  radius: [...LOGIN, "secret", "expect", "nasIdentifier"],
  udp: ["send", "sendHex", "requireReply", "expect", "expectHex", "minLength", "maxLength"],
  ping: [],
  external: ["path", "args", "style", "dynamicWeight", "host", "env"],
  file: ["path", "action", "when", "factor"],
  agent: ["send"],
};

export const CHECK_KIND_NAMES = Object.keys(OPTIONS_OF_KIND);

/** How the configuration file spells an option. */
export function optionKey(name: string): string {
  return CHECK_OPTIONS[name]?.key ?? hyphened(name);
}

/** `bodyRegex` as `body-regex`. */
export function hyphened(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
