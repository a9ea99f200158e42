/** The keys under `ha.sync.tls`: TLS on the link between directors. */
import { z } from "zod";
import { canonicalIp } from "../core/address.js";
import type { SyncTlsSettings } from "../core/sync-settings.js";
import { field, section } from "./fields.js";
import { path } from "./ha-values.js";
import { refuse } from "./refuse.js";
import type { FileEntry } from "./schema.js";

/** Judges the files: those that cannot be used, and why. */
export type TryTls = (
  settings: SyncTlsSettings,
) => readonly { readonly field: keyof SyncTlsSettings; readonly message: string }[];

const DNS_NAME = /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})?)*$/;
const MAX_NAMES = 64;

const peerName = field(
  (input) => {
    if (typeof input === "string") {
      const address = canonicalIp(input);
      if (address !== undefined) return address;
      if (DNS_NAME.test(input)) return input;
    }
    return refuse(input, "a name or an address as in the certificate, such as lb2.example.com");
  },
  { type: "string", minLength: 1, maxLength: 253 },
);

/** The section `ha.sync.tls`. */
export const syncTlsSchema = section({
  certificate: path.describe("This director's certificate in PEM, with those between it and the authority."),
  key: path.describe("Its private key in PEM, without a passphrase, not readable for everybody."),
  ca: path.describe("The authorities that issue the peers' certificates, in PEM."),
  names: z
    .array(peerName, "found something else, accepted is a list of names")
    .min(1, "found none, accepted is at least one")
    .max(MAX_NAMES, `found more, accepted are at most ${MAX_NAMES}`)
    .optional()
    .describe("Names of which a peer's certificate must have one; any certificate of the authorities."),
});

/** Looks at the files that the section names. */
export function tlsChecks(tryTls: TryTls | undefined) {
  return z.superRefine<FileEntry>(
    (file, context) => {
      const { certificate, key, ca } = { ...file.ha?.sync?.tls };
      if (certificate === undefined || key === undefined || ca === undefined) return;
      for (const { field: name, message } of tryTls?.({ certificate, key, ca }) ?? []) {
        context.addIssue({ code: "custom", path: ["ha", "sync", "tls", name], message });
      }
    },
    { when: ({ value }) => typeof value === "object" && value !== null },
  );
}
