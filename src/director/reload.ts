/**
 * Applies the difference between two configurations to a running director. Live edits stay, except where the file now
 * says something else about the same service or realserver; what a live edit has done already is not done again.
 */
import type { ServiceBook } from "../balancer/service-book.js";
import type { ConfigChange } from "../config/diff.js";
import type { Endpoint } from "../core/address.js";
import type { Logger } from "../core/logger.js";
import { realserverKey, type ServiceId } from "../core/model.js";
import type { Editor } from "./editor.js";

/** Makes one change of a configuration file's. @throws UvsError as the editor does */
export async function applyConfigChange(
  change: ConfigChange,
  book: ServiceBook,
  editor: Editor,
  logger: Logger,
): Promise<void> {
  const isThere = (id: ServiceId, server?: Endpoint): boolean =>
    book.has(id) && (server === undefined || hasRealserver(book, id, server));
  switch (change.op) {
    case "addService":
      if (isThere(change.service.id)) await editor.deleteService(change.service.id);
      await editor.addService(change.service);
      break;
    case "editService":
      if (isThere(change.id)) await editor.editService(change.id, change.settings);
      break;
    case "deleteService":
      if (isThere(change.id)) await editor.deleteService(change.id);
      break;
    case "addRealserver":
      if (isThere(change.id, change.server)) await editor.editRealserver(change.id, change.server);
      else if (isThere(change.id)) await editor.addRealserver(change.id, change.server);
      break;
    case "editRealserver":
      if (isThere(change.id, change.server)) await editor.editRealserver(change.id, change.server);
      break;
    case "deleteRealserver":
      if (isThere(change.id, change.server)) await editor.deleteRealserver(change.id, change.server);
      break;
    case "setTimeouts":
      await editor.setTimeouts(change.timeouts);
      break;
    case "setSysctl":
      await editor.setSysctl(change.name, change.value);
      break;
    // The director does these itself.
    case "setShutdownGrace":
    case "setHa":
      break;
    case "restartNeeded":
      logger.warn({ key: change.key }, "this change takes effect when uvsd is started again");
      break;
  }
}

function hasRealserver(book: ServiceBook, id: ServiceId, server: Endpoint): boolean {
  return book.service(id).realservers.some((other) => realserverKey(other) === realserverKey(server));
}
