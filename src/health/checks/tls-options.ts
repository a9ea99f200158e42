/** TLS of checks: which name is asked for, what is verified, and what a failed handshake is called. */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { CheckFailure } from "../checker.js";
import { escaped } from "../excerpt.js";
import { invalidOption } from "../option.js";

/** TLS parameters of a check, as plain data. */
export interface TlsOptions {
  /** Server name asked for (SNI). @default none */
  readonly sni?: string;
  /** Whether the certificate must be valid: trusted, in its time, for the right name. @default false */
  readonly verify?: boolean;
  /** Name that a verified certificate must be for. @default sni, else the target's address */
  readonly verifyName?: string;
  /** File of the trusted certificate authorities, PEM. @default those that come with Node */
  readonly ca?: string;
  /** Fails where the certificate is valid for fewer days than this; needs no `verify`. @default 0: not looked at */
  readonly minimumDays?: number;
}

/** TLS parameters read and checked, made once for a checker: a secure context costs milliseconds. */
export interface PreparedTls extends TlsOptions {
  readonly secureContext: SecureContext;
}

const DAY_MS = 24 * 3600 * 1000;

/** @throws UvsError INVALID where the file of authorities cannot be used, or the server name is an address */
export function prepareTls(options: TlsOptions): PreparedTls {
  if (options.sni !== undefined && (options.sni === "" || isIP(options.sni) !== 0)) {
    throw invalidOption("sni", options.sni, "a host name (RFC 6066 allows no address)");
  }
  return { ...options, secureContext: createContext(options.ca) };
}

function createContext(ca: string | undefined): SecureContext {
  if (ca === undefined) return createSecureContext();
  try {
    return createSecureContext({ ca: readFileSync(ca) });
  } catch (error) {
    throw invalidOption("ca", `${ca}: ${(error as Error).message}`, "a readable file of PEM certificates");
  }
}

/**
 * Judges the certificate of a socket whose handshake is done.
 * @throws CheckFailure L6RSP where it is about to expire
 */
export function checkExpiry(socket: TLSSocket, minimumDays: number): void {
  const { valid_to: validTo } = socket.getPeerCertificate();
  const daysLeft = (Date.parse(validTo) - Date.now()) / DAY_MS;
  if (daysLeft >= minimumDays) return;
  const text = Number.isNaN(daysLeft) ? "no end" : `${Math.floor(daysLeft)} days left`;
  throw new CheckFailure("L6RSP", `certificate has ${text}, wanted are ${minimumDays}`);
}

/** A failure of the handshake as result: names what is wrong with the certificate, or OpenSSL's reason. */
export function tlsFailure(error: NodeJS.ErrnoException & { readonly reason?: string }): CheckFailure {
  const { code = "", reason } = error;
  if (code === "ECONNRESET") return new CheckFailure("L6RSP", "TLS: connection closed during the handshake");
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return new CheckFailure(
      "L6RSP",
      `TLS: certificate is for another name: ${escaped(reason ?? "").slice(0, 200)}`,
    );
  }
  if (code.startsWith("ERR_SSL_")) {
    return new CheckFailure("L6RSP", `TLS: ${escaped(reason ?? error.message).slice(0, 200)} (${code})`);
  }
  return new CheckFailure("L6RSP", `TLS: ${escaped(error.message).slice(0, 200)} (${code})`);
}

/** The canonical text of TLS parameters, for keys of checkers. */
export function tlsKey(options: TlsOptions): string {
  const { sni = null, verify = false, verifyName = null, ca = null, minimumDays = 0 } = options;
  return JSON.stringify([sni, verify, verifyName, ca, minimumDays]);
}
