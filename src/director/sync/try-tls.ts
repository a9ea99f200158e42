/** Whether the TLS files that a configuration names can be used, before it is taken. */
import type { TryTls } from "../../config/ha-sync-tls.js";
import { inspectTlsFiles } from "../../ha/sync/tls-files.js";

/** Judges the files of `ha.sync.tls` for whoever loads a configuration. */
export const tryTls: TryTls = (settings) => {
  const found = inspectTlsFiles(settings);
  return "problems" in found ? found.problems : [];
};
