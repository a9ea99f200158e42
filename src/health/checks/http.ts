/**
 * Check kinds `http` and `https`: one request, judged by status and body. The connection is opened for the probe and
 * closed after it; what the realserver sends is read up to `bodyLimit` and no further.
 */
import { createHash } from "node:crypto";
import {
  type Checker,
  CheckFailure,
  type CheckResult,
  type CheckTarget,
  type Probe,
  passed,
} from "../checker.js";
import { escaped, excerpt } from "../excerpt.js";
import { invalidOption, singleLine } from "../option.js";
import { compilePattern, type Pattern } from "../pattern.js";
import { converse } from "./dialogue.js";
import { exchange, type HttpAnswer } from "./http-client.js";
import { redirectTarget } from "./redirect.js";
import { parseStatusSet, type StatusSet } from "./status-set.js";
import { type PreparedTls, prepareTls, type TlsOptions, tlsKey } from "./tls-options.js";

/** Parameters of an HTTP check, as plain data. */
export interface HttpOptions {
  /** Over TLS, with these parameters; without it in the clear. @default none */
  readonly tls?: TlsOptions;
  /** @default "GET" */
  readonly method?: string;
  /** Path with query, or an absolute URI (through a realserver that is an HTTP proxy). @default "/" */
  readonly path?: string;
  /** Host header. @default the target's address, with its port where it is not the usual one */
  readonly host?: string;
  /** Further headers. @default none */
  readonly headers?: Readonly<Record<string, string>>;
  /** Codes that pass: `200-299,301`, `2xx`. @default "200-299" */
  readonly status?: string;
  /** Text that the body must contain, UTF-8. @default none */
  readonly body?: string;
  /** Regular expression that must match in the body (see pattern.ts). @default none */
  readonly bodyRegex?: string;
  /** Digest of the whole body: `sha256:HEX` or `md5:HEX`. @default none */
  readonly bodyHash?: string;
  /** Bytes of the body that are read and looked at, 0 to 1048576. A longer body passes, but never a bodyHash. @default 65536 */
  readonly bodyLimit?: number;
  /** Redirects followed, of GET and HEAD only, 0 to 7. @default 0 */
  readonly redirects?: number;
}

const BODY_LIMIT = 65_536;
const MAX_BODY_LIMIT = 1_048_576;
const MAX_REDIRECTS = 7;

/** Options read and checked. */
interface Plan {
  readonly tls: PreparedTls | undefined;
  readonly tlsOptions: TlsOptions;
  readonly method: string;
  readonly path: string;
  readonly host: string | undefined;
  readonly headers: string;
  readonly accepts: StatusSet;
  readonly statusText: string;
  readonly text: string | undefined;
  readonly pattern: Pattern | undefined;
  readonly hash: { readonly algorithm: string; readonly digest: string } | undefined;
  readonly bodyLimit: number;
  readonly redirects: number;
}

/** Makes an HTTP or HTTPS checker. @throws UvsError INVALID */
export function httpCheck(options: HttpOptions = {}): Checker {
  const plan = planOf(options);
  const kind = plan.tls === undefined ? "http" : "https";
  const { host = "", headers, statusText, bodyLimit, redirects } = plan;
  return {
    kind,
    name: `${kind} ${plan.method} ${escaped(host + plan.path)}`,
    key: `${kind} ${plan.tls && tlsKey(plan.tlsOptions)} ${JSON.stringify([
      plan.method,
      plan.path,
      host,
      headers,
      statusText,
      options.body ?? null,
      options.bodyRegex ?? null,
      plan.hash ?? null,
      bodyLimit,
      redirects,
    ])}`,
    probe: (probe) => run(plan, probe),
  };
}

/** Makes an HTTPS checker: an HTTP checker that is over TLS without being told. @throws UvsError INVALID */
export function httpsCheck(options: HttpOptions = {}): Checker {
  return httpCheck({ ...options, tls: options.tls ?? {} });
}

async function run(plan: Plan, probe: Probe): Promise<CheckResult> {
  let { tls, host, path } = plan;
  let { target, proxyProtocol } = probe;
  for (let redirects = 0; ; redirects++) {
    const request = requestText(plan, path, host ?? authority(target, tls !== undefined));
    const answer = await converse({ ...probe, target, proxyProtocol }, tls, (dialogue) =>
      exchange(dialogue, request, plan.method === "HEAD", plan.bodyLimit),
    );
    const next =
      redirects < plan.redirects ? redirectTarget(answer, target, tls !== undefined, path) : undefined;
    if (next === undefined) return judge(plan, answer);
    target = next.target;
    path = next.path;
    // The realserver speaks the PROXY protocol; where a redirect leads may be another server, which does not.
    if (target.address !== probe.target.address || target.port !== probe.target.port) {
      proxyProtocol = undefined;
    }
    // The host header of the configuration belongs to the first request only, unless the redirect stays there.
    if (!next.isSameHost) host = next.host;
    tls = next.isTls ? (plan.tls ?? prepareTls({})) : undefined;
  }
}

function judge(plan: Plan, answer: HttpAnswer): CheckResult {
  const { status, statusLine, body, isCut } = answer;
  if (!plan.accepts(status)) {
    throw new CheckFailure(
      "L7STS",
      `status ${status}, wanted is ${plan.statusText} (${excerpt(statusLine)})`,
    );
  }
  if (plan.text !== undefined && body.indexOf(plan.text, 0, "utf8") < 0) {
    throw new CheckFailure("L7RSP", `body without the text ${excerpt(plan.text)}: ${excerpt(body)}`);
  }
  if (plan.pattern && !plan.pattern.test(body.toString("utf8"))) {
    throw new CheckFailure("L7RSP", `body does not match ${excerpt(plan.pattern.source)}: ${excerpt(body)}`);
  }
  if (plan.hash) {
    if (isCut)
      throw new CheckFailure("L7RSP", `body longer than the ${plan.bodyLimit} bytes that are hashed`);
    const digest = createHash(plan.hash.algorithm).update(body).digest("hex");
    if (digest !== plan.hash.digest)
      throw new CheckFailure("L7RSP", `body has ${plan.hash.algorithm} ${digest}`);
  }
  return passed("L7OK", `status ${status}`);
}

function requestText({ method, headers }: Plan, path: string, host: string): string {
  return `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${headers}\r\n`;
}

/** The address of a target as a Host header has it. */
function authority({ address, port }: CheckTarget, isTls: boolean): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return port === (isTls ? 443 : 80) ? host : `${host}:${port}`;
}

function planOf(options: HttpOptions): Plan {
  const { method = "GET", path = "/", host, headers = {}, status = "200-299", body, bodyRegex } = options;
  const { bodyLimit = BODY_LIMIT, redirects = 0, bodyHash } = options;
  if (!/^[A-Za-z]{1,20}$/.test(method))
    throw invalidOption("method", method, "an HTTP method such as GET or HEAD");
  if (!/^(?:\/|https?:\/\/)[\x21-\x7e]*$/.test(path) && path !== "*") {
    throw invalidOption(
      "path",
      path,
      "a path that begins with / and has no blanks (percent-encode them), or a URI",
    );
  }
  if (host !== undefined && !/^[\x21-\x7e]+$/.test(host))
    throw invalidOption("host", host, "a host name or address");
  if (!(Number.isInteger(bodyLimit) && bodyLimit >= 0 && bodyLimit <= MAX_BODY_LIMIT)) {
    throw invalidOption("bodyLimit", bodyLimit, `a whole number of bytes from 0 to ${MAX_BODY_LIMIT}`);
  }
  if (!(Number.isInteger(redirects) && redirects >= 0 && redirects <= MAX_REDIRECTS)) {
    throw invalidOption("redirects", redirects, `a whole number from 0 to ${MAX_REDIRECTS}`);
  }
  const tlsOptions = tlsOptionsOf(options.tls ?? {}, host);
  return {
    tls: options.tls && prepareTls(tlsOptions),
    tlsOptions,
    method: method.toUpperCase(),
    path,
    host,
    headers: headerLines({ "User-Agent": "uvs", Accept: "*/*", ...headers }),
    accepts: parseStatusSet("status", status),
    statusText: status,
    text: body,
    pattern: bodyRegex === undefined ? undefined : compilePattern("bodyRegex", bodyRegex),
    hash: bodyHash === undefined ? undefined : parseHash(bodyHash),
    bodyLimit,
    redirects: method.toUpperCase() === "GET" || method.toUpperCase() === "HEAD" ? redirects : 0,
  };
}

/** The Host header is also the server name, unless there is another one. */
function tlsOptionsOf(tls: TlsOptions, host: string | undefined): TlsOptions {
  const name = host?.replace(/:\d+$/, "");
  const isName = name !== undefined && /[a-z]/i.test(name) && !name.includes(":");
  return tls.sni === undefined && isName ? { ...tls, sni: name } : tls;
}

function headerLines(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => {
      if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) throw invalidOption("headers", name, "a header name");
      return `${name}: ${singleLine(`headers.${name}`, value)}\r\n`;
    })
    .join("");
}

function parseHash(text: string): { algorithm: string; digest: string } {
  const [, sha256, md5] = /^(?:sha256:([0-9a-f]{64})|md5:([0-9a-f]{32}))$/i.exec(text) ?? [];
  if (sha256 !== undefined) return { algorithm: "sha256", digest: sha256.toLowerCase() };
  if (md5 !== undefined) return { algorithm: "md5", digest: md5.toLowerCase() };
  throw invalidOption("bodyHash", text, "sha256: with 64 or md5: with 32 hexadecimal digits");
}
