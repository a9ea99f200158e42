/** Check kind `ldap`: a simple bind, anonymous without a login; with a base DN, a search that must find that entry (RFC 4511). */
import { type Checker, CheckFailure, type CheckResult, passed } from "../checker.js";
import { escaped, excerpt } from "../excerpt.js";
import { invalidOption, singleLine } from "../option.js";
import { compilePattern } from "../pattern.js";
import { type BerElement, ber, lengthOf, readElements, TAG } from "./ber.js";
import { converse, type Dialogue } from "./dialogue.js";
import { checkLogin, type LoginOptions } from "./login.js";
import { farewell } from "./reply.js";
import { prepareTls, type TlsOptions, tlsKey } from "./tls-options.js";

/** Parameters of an LDAP check, as plain data. */
export interface LdapOptions extends LoginOptions {
  /** Over TLS (ldaps), with these parameters. @default none */
  readonly tls?: TlsOptions;
  /** DN to bind as. @default anonymous */
  readonly user?: string;
  /** Entry to search for; empty is the server's root. @default none: bind only */
  readonly baseDn?: string;
  /** Regular expression that the DN found must match (see pattern.ts); needs `baseDn`. @default none */
  readonly dnRegex?: string;
}

const VERSION = 3;
const BIND_ID = 1;
const SEARCH_ID = 2;
const UNBIND_ID = 3;
const LARGEST_MESSAGE = 64 * 1024;
const LONGEST_DN = 1024;
/** Entries and references before the end of a search for one entry. */
const MAX_MESSAGES = 20;
/** Result codes that people meet (RFC 4511 appendix A). */
const RESULTS: Readonly<Record<number, string>> = {
  1: "operationsError",
  2: "protocolError",
  8: "strongerAuthRequired",
  10: "referral",
  32: "noSuchObject",
  34: "invalidDNSyntax",
  48: "inappropriateAuthentication",
  49: "invalidCredentials",
  50: "insufficientAccessRights",
  51: "busy",
  52: "unavailable",
  53: "unwillingToPerform",
};

/** Makes an LDAP checker. @throws UvsError INVALID */
export function ldapCheck(options: LdapOptions = {}): Checker {
  const { baseDn, dnRegex } = options;
  const login = checkLogin(options);
  if (baseDn !== undefined) {
    singleLine("baseDn", baseDn);
    if (baseDn.length > LONGEST_DN) throw invalidOption("baseDn", baseDn, `at most ${LONGEST_DN} characters`);
  } else if (dnRegex !== undefined) {
    throw invalidOption("dnRegex", dnRegex, "a regular expression only together with baseDn");
  }
  const pattern = dnRegex === undefined ? undefined : compilePattern("dnRegex", dnRegex);
  const tls = options.tls && prepareTls(options.tls);
  const bind = bindRequest(login?.user ?? "", login?.password ?? "");
  return {
    kind: "ldap",
    name: baseDn === undefined ? "ldap bind" : `ldap search of ${escaped(JSON.stringify(baseDn))}`,
    key: `ldap ${options.tls && tlsKey(options.tls)} ${JSON.stringify([login, baseDn, dnRegex])}`,
    probe: (probe) =>
      converse(probe, tls, async (dialogue): Promise<CheckResult> => {
        dialogue.write(bind);
        const bound = await readMessage(dialogue, BIND_ID);
        expectSuccess(bound, TAG.LDAP_BIND_RESPONSE, "bind");
        const dn = baseDn === undefined ? undefined : await search(dialogue, baseDn);
        await farewell(dialogue, ber(TAG.SEQUENCE, ber(TAG.INTEGER, UNBIND_ID), ber(TAG.LDAP_UNBIND)));
        if (pattern && !pattern.test(dn ?? "")) {
          throw new CheckFailure(
            "L7RSP",
            `DN does not match ${excerpt(pattern.source)}: ${excerpt(dn ?? "")}`,
          );
        }
        return passed("L7OK", dn === undefined ? "bound" : `found the entry ${JSON.stringify(escaped(dn))}`);
      }),
  };
}

function bindRequest(dn: string, password: string): Buffer {
  return ber(
    TAG.SEQUENCE,
    ber(TAG.INTEGER, BIND_ID),
    ber(
      TAG.LDAP_BIND_REQUEST,
      ber(TAG.INTEGER, VERSION),
      ber(TAG.OCTET_STRING, dn),
      ber(TAG.LDAP_SIMPLE_PASSWORD, password),
    ),
  );
}

/** Scope base, no aliases followed, no limits, values wanted, filter `(objectClass=*)`, all attributes. */
function searchRequest(baseDn: string): Buffer {
  return ber(
    TAG.SEQUENCE,
    ber(TAG.INTEGER, SEARCH_ID),
    ber(
      TAG.LDAP_SEARCH_REQUEST,
      ber(TAG.OCTET_STRING, baseDn),
      ber(TAG.ENUMERATED, 0),
      ber(TAG.ENUMERATED, 0),
      ber(TAG.INTEGER, 0),
      ber(TAG.INTEGER, 0),
      ber(TAG.BOOLEAN, 0),
      ber(TAG.LDAP_FILTER_PRESENT, "objectClass"),
      ber(TAG.SEQUENCE),
    ),
  );
}

/** @returns the DN of the one entry */
async function search(dialogue: Dialogue, baseDn: string): Promise<string> {
  dialogue.write(searchRequest(baseDn));
  const found: string[] = [];
  for (let i = 0; i < MAX_MESSAGES; i++) {
    const answer = await readMessage(dialogue, SEARCH_ID);
    if (answer.tag === TAG.LDAP_SEARCH_ENTRY) {
      found.push(readElements(answer.content)[0]?.content.toString("utf8") ?? "");
    } else if (answer.tag !== TAG.LDAP_SEARCH_REFERENCE) {
      expectSuccess(answer, TAG.LDAP_SEARCH_DONE, "search");
      if (found.length === 1) return found[0];
      throw new CheckFailure("L7RSP", `search found ${found.length} entries, wanted is one`);
    }
  }
  throw new CheckFailure("L7RSP", `search answered with more than ${MAX_MESSAGES} messages`);
}

/** Reads a message. @returns its operation */
async function readMessage(dialogue: Dialogue, id: number): Promise<BerElement> {
  const head = await dialogue.readExactly(2);
  if (head[0] !== TAG.SEQUENCE) throw new CheckFailure("L7RSP", `not an LDAP message: ${excerpt(head)}`);
  const { more, length } = lengthOf(head);
  const size = more === 0 ? length : (await dialogue.readExactly(more)).readUIntBE(0, more);
  if (size > LARGEST_MESSAGE) throw new CheckFailure("L7RSP", `LDAP message of ${size} bytes`);
  const [number, operation] = readElements(await dialogue.readExactly(size));
  if (number?.tag === TAG.INTEGER && operation !== undefined && number.content.at(-1) === id)
    return operation;
  throw new CheckFailure("L7RSP", "an LDAP message that does not answer ours");
}

function expectSuccess({ tag, content }: BerElement, wanted: number, what: string): void {
  if (tag !== wanted)
    throw new CheckFailure("L7RSP", `${what} answered with another operation (0x${tag.toString(16)})`);
  const [result, , words] = readElements(content);
  if (result?.tag !== TAG.ENUMERATED || result.content.length !== 1) {
    throw new CheckFailure("L7RSP", `${what} answered without a result`);
  }
  const [code] = result.content;
  if (code === 0) return;
  const details = words === undefined || words.content.length === 0 ? "" : ` ${excerpt(words.content)}`;
  throw new CheckFailure("L7STS", `${what} answered with ${RESULTS[code] ?? "result"} (${code})${details}`);
}
