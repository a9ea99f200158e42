/**
 * TLS around the connections between directors, 1.2 or later. Both ends show a certificate, and both check the other's: that
 * one of the configured authorities issued it, that it is valid now, and, where names are configured, that it has one of
 * them. Peers are dialed by address, so without names any certificate of the authorities will do; the handshake by the
 * shared key follows inside.
 *
 * Neither end lets OpenSSL refuse a certificate: it would end the connection without a word. They look at its verdict
 * before a byte is exchanged, and tell one another.
 */
import { isIP, type Socket } from "node:net";
import {
  connect,
  createServer,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from "node:tls";
import { UvsError } from "../../core/errors.js";
import type { SyncTlsSettings, SyncTlsStatus } from "../../core/sync-settings.js";
import type { HandshakeRole } from "./handshake.js";
import { isShortFrame, isTlsRecord, PEER_WITHOUT_TLS, type RefusalWord } from "./refusal.js";
import { readTlsFiles, subjectOf, type TlsFiles } from "./tls-files.js";

/** `SSL_OP_NO_TICKET`: a session that is resumed shows no certificate again. */
const NO_TICKET = 0x4000;

/** What securing a connection leads to; one of both is called, once. */
export interface TlsOutcome {
  /** The peer's certificate is accepted. */
  secured(socket: TLSSocket): void;
  /** @param told how to tell the peer, where it can be told: the word, and what it is written to */
  refused(error: UvsError, told?: { readonly word: RefusalWord; readonly socket: Socket }): void;
}

/** See the file's head. */
export class LinkTls {
  readonly #settings: SyncTlsSettings;
  readonly #server: Server;
  /** Connections that are being accepted, by address and port of the peer. */
  readonly #accepting = new Map<string, TlsOutcome>();
  #files: TlsFiles;

  /** @throws UvsError CONFIG where the files cannot be used */
  constructor(settings: SyncTlsSettings) {
    this.#settings = settings;
    this.#files = readTlsFiles(settings);
    // It never listens: connections are put into it, whose number is bounded where they are accepted.
    this.#server = createServer({ ...contextOf(this.#files), ...SERVER_OPTIONS });
    this.#server.on("secureConnection", (socket) => this.#judge(socket, this.#take(socket)));
    this.#server.on("tlsClientError", (error, socket) => this.#take(socket)?.refused(failure(error)));
  }

  /** What works and yet should be mended. */
  get warnings(): readonly string[] {
    return this.#files.warnings;
  }

  status(): SyncTlsStatus {
    const { subject, expires } = this.#files;
    return { subject, expires };
  }

  /**
   * Reads the files again: connections from now on use what is in them.
   * @returns whether anything has changed
   * @throws UvsError CONFIG where they cannot be used; those of before stay in use then
   */
  renew(): boolean {
    const next = readTlsFiles(this.#settings);
    const { certificate, key, ca } = this.#files;
    if (next.certificate === certificate && next.key === key && next.ca === ca) return false;
    this.#files = next;
    this.#server.setSecureContext(contextOf(next));
    return true;
  }

  /** Secures a connection; a dialer's may still be on its way. */
  secure(role: HandshakeRole, socket: Socket, outcome: TlsOutcome): void {
    if (role === "dialer") socket.once("connect", () => this.#dial(socket, outcome));
    else socket.once("data", (chunk: Buffer) => this.#accept(socket, chunk, outcome));
  }

  #dial(raw: Socket, outcome: TlsOutcome): void {
    const socket = connect({
      ...contextOf(this.#files),
      socket: raw,
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    });
    socket.once("secureConnect", () => this.#judge(socket, outcome));
    socket.on("error", (error) => outcome.refused(failure(error)));
  }

  #accept(raw: Socket, chunk: Buffer, outcome: TlsOutcome): void {
    if (!isTlsRecord(chunk)) {
      const error = new UvsError("PERMISSION", PEER_WITHOUT_TLS);
      outcome.refused(error, isShortFrame(chunk) ? { word: "tls-wanted", socket: raw } : undefined);
      return;
    }
    raw.pause();
    raw.unshift(chunk);
    const key = keyOf(raw);
    this.#accepting.set(key, outcome);
    raw.once("close", () => this.#accepting.delete(key));
    this.#server.emit("connection", raw);
  }

  #take(socket: TLSSocket): TlsOutcome | undefined {
    const key = keyOf(socket);
    const outcome = this.#accepting.get(key);
    this.#accepting.delete(key);
    return outcome;
  }

  #judge(socket: TLSSocket, outcome: TlsOutcome | undefined): void {
    const reason = this.#refusalOf(socket);
    if (outcome === undefined) socket.destroy();
    else if (reason === undefined) outcome.secured(socket);
    else outcome.refused(new UvsError("PERMISSION", reason), { word: "certificate", socket });
  }

  /** Why a peer's certificate is not accepted; undefined: it is. */
  #refusalOf(socket: TLSSocket): string | undefined {
    const certificate = socket.getPeerX509Certificate();
    // OpenSSL's verdict alone is worth nothing where none was shown.
    if (certificate === undefined || socket.isSessionReused()) return "the peer shows no certificate";
    const whose = `the peer's certificate (${subjectOf(certificate)})`;
    if (!socket.authorized)
      return `${whose} ${explain(String(socket.authorizationError), certificate.validTo)}`;
    const { names = [] } = this.#settings;
    const has = (name: string): boolean =>
      (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
    if (names.length === 0 || names.some(has)) return undefined;
    const found = certificate.subjectAltName?.replace(/[^\x20-\x7e]/g, "?").slice(0, 200) ?? "none";
    return `${whose} is for ${found}, accepted is one of ha.sync.tls.names: ${names.join(", ")}`;
  }
}

const SERVER_OPTIONS: TlsOptions = { requestCert: true, rejectUnauthorized: false };

function contextOf({ certificate, key, ca }: TlsFiles): SecureContextOptions {
  return { cert: certificate, key, ca, minVersion: "TLSv1.2", secureOptions: NO_TICKET };
}

/** Both sockets of one connection have the same. */
function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/** What OpenSSL's verdict means for who reads it. */
function explain(code: string, validTo: string): string {
  switch (code) {
    case "CERT_HAS_EXPIRED":
      return `or one of its authorities has expired (it is valid until ${validTo})`;
    case "CERT_NOT_YET_VALID":
      return "is not valid yet: is the clock right?";
    case "INVALID_PURPOSE":
      return "is not for this: its extendedKeyUsage must have serverAuth and clientAuth, or be absent";
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "CERT_SIGNATURE_FAILURE":
      return `was not issued by an authority of ha.sync.tls.ca (${code})`;
    default:
      return `is not accepted (${code})`;
  }
}

/** Why the TLS handshake did not come about. */
function failure(error: Error): UvsError {
  const { code = error.message } = error as NodeJS.ErrnoException;
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER") return new UvsError("PERMISSION", PEER_WITHOUT_TLS);
  if (code === "ECONNRESET") {
    return new UvsError(
      "UNAVAILABLE",
      "the peer has ended the connection before TLS was there: its log says why (it speaks no TLS, most often)",
    );
  }
  return new UvsError("PERMISSION", `TLS with the peer does not come about: ${code}`);
}
