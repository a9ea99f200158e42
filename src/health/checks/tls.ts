/** Check kind `tls`: passes once the TLS handshake is done, and the certificate is as asked for. */
import type { TLSSocket } from "node:tls";
import { type Checker, passed } from "../checker.js";
import { converse } from "./dialogue.js";
import { prepareTls, type TlsOptions, tlsKey } from "./tls-options.js";

/** Makes a checker that does the handshake and ends. @throws UvsError INVALID */
export function tlsCheck(options: TlsOptions = {}): Checker {
  const tls = prepareTls(options);
  return {
    kind: "tls",
    name: `tls handshake${options.sni ? ` for ${options.sni}` : ""}`,
    key: `tls ${tlsKey(options)}`,
    probe: (probe) =>
      converse(probe, tls, ({ socket }) =>
        passed("L6OK", `${(socket as TLSSocket).getProtocol()} handshake`),
      ),
  };
}
