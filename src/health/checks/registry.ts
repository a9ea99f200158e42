/** Check kinds by the name that users write. A new kind is one file and one line here. */
import type { Checker } from "../checker.js";
import type { Programs } from "../program.js";
import { agentCheck } from "./agent.js";
import { dnsCheck } from "./dns.js";
import { externalCheck } from "./external.js";
import { fileCheck } from "./file.js";
import { ftpCheck } from "./ftp.js";
import { httpCheck, httpsCheck } from "./http.js";
import { imapCheck } from "./imap.js";
import { ldapCheck } from "./ldap.js";
import { mysqlCheck } from "./mysql.js";
import { pingCheck } from "./ping.js";
import { popCheck } from "./pop.js";
import { postgresCheck } from "./postgres.js";
import { radiusCheck } from "./radius.js";
import { redisCheck } from "./redis.js";
import { sipCheck } from "./sip.js";
import { smtpCheck } from "./smtp.js";
import { connectCheck } from "./tcp.js";
import { expectCheck } from "./tcp-expect.js";
import { tlsCheck } from "./tls.js";
import { udpCheck } from "./udp.js";

/** What checkers may need beyond their own options. */
export interface CheckTools {
  /** Runs external programs, with one bound for all. */
  readonly programs: Programs;
}

/** Makes a checker of its options: plain data as the configuration has them. @throws UvsError INVALID */
export const CHECK_KINDS = {
  connect: connectCheck,
  tls: tlsCheck,
  "tcp-expect": expectCheck,
  http: httpCheck,
  https: httpsCheck,
  smtp: smtpCheck,
  pop: popCheck,
  imap: imapCheck,
  ftp: ftpCheck,
  dns: dnsCheck,
  redis: redisCheck,
  mysql: mysqlCheck,
  postgres: postgresCheck,
  ldap: ldapCheck,
  sip: sipCheck,
  radius: radiusCheck,
  udp: udpCheck,
  ping: pingCheck,
  external: externalCheck,
  file: fileCheck,
  agent: agentCheck,
} as const satisfies Readonly<Record<string, (options: never, tools: CheckTools) => Checker>>;

export type CheckKind = keyof typeof CHECK_KINDS;
export const CHECK_KIND_NAMES = Object.keys(CHECK_KINDS) as readonly CheckKind[];

/** The options of one kind. */
export type CheckOptions<K extends CheckKind> = Parameters<(typeof CHECK_KINDS)[K]>[0];

/**
 * Makes a checker.
 * @param options of the kind; their types are the caller's to keep, their values are checked
 * @throws UvsError INVALID, naming the option, what was found and what is accepted
 */
export function createChecker<K extends CheckKind>(
  kind: K,
  options: CheckOptions<K>,
  tools: CheckTools,
): Checker {
  return (CHECK_KINDS[kind] as (options: CheckOptions<K>, tools: CheckTools) => Checker)(options, tools);
}
