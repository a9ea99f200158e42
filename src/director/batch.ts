/**
 * Several changes, all or none. They are tried on a copy of the record first; then the difference between record and copy
 * is what is done. A service that is there before and after therefore goes on serving, even if its lines delete it and add
 * it again, and no connection finds it half changed. What can fail beyond that, opening a listening socket, is done before
 * anything else and taken back by closing what was opened.
 */
import type { ServiceBook } from "../balancer/service-book.js";
import { diffServices, type ServicesChange } from "../config/diff.js";
import type { Change, Refusal } from "../control/operations.js";
import { UvsError } from "../core/errors.js";
import { serviceKey } from "../core/model.js";
import { checkTimeouts, type Editor } from "./editor.js";
import { refuseChecks } from "./health.js";
import type { Listening } from "./listening.js";

/** Makes all changes, in order, or none. @returns what was refused; empty where all were made */
export async function applyAll(
  changes: readonly Change[],
  book: ServiceBook,
  listening: Listening,
  editor: Editor,
): Promise<readonly Refusal[]> {
  const trial = book.copy();
  const refusals = changes.flatMap((change, index) => refusalOf(index, () => tryChange(trial, change)) ?? []);
  if (refusals.length > 0) return refusals;
  const difference = diffServices(book.services(), trial.services()).map(asChange);
  const refusal = tryInOrder(difference, changes, book) ?? openAhead(changes, book, listening);
  if (refusal !== undefined) return [refusal];
  await editor.together(async () => {
    for (const change of difference) await makeChange(editor, change);
  });
  for (const change of changes) if (change.operation === "setTimeouts") await makeChange(editor, change);
  // Of services that came and went within the batch.
  await listening.retire(book.services());
  return [];
}

/** The same in the words of operations. */
function asChange(change: ServicesChange): Change {
  const { op: operation, ...rest } = change;
  return { operation, ...rest } as Change;
}

/** The difference adds before it deletes, and so may want more room than the changes do. */
function tryInOrder(
  difference: readonly Change[],
  changes: readonly Change[],
  book: ServiceBook,
): Refusal | undefined {
  const trial = book.copy();
  return refusalOf(changes.length - 1, () => {
    for (const change of difference) tryChange(trial, change);
  });
}

function openAhead(changes: readonly Change[], book: ServiceBook, listening: Listening): Refusal | undefined {
  const ahead = book.copy();
  const opened: string[] = [];
  for (const [index, change] of changes.entries()) {
    tryChange(ahead, change);
    if (change.operation !== "addService" && change.operation !== "editService") continue;
    const refusal = refusalOf(index, () => opened.push(...listening.open(ahead.services())));
    if (refusal === undefined) continue;
    listening.close(opened);
    return refusal;
  }
  return undefined;
}

function refusalOf(index: number, attempt: () => void): Refusal | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return { index, error: UvsError.from(error).toPlain() };
  }
}

/** Makes a change in the record only. @throws UvsError where it is refused */
function tryChange(book: ServiceBook, change: Change): void {
  switch (change.operation) {
    case "addService":
      refuseChecks(serviceKey(change.service.id), change.service.settings);
      book.add(change.service);
      break;
    case "editService":
      refuseChecks(serviceKey(change.id), change.settings);
      book.edit(change.id, change.settings);
      break;
    case "deleteService":
      book.delete(change.id);
      break;
    case "clear":
      for (const { id } of book.services()) book.delete(id);
      break;
    case "addRealserver":
      book.addRealserver(change.id, change.server);
      break;
    case "editRealserver":
      book.editRealserver(change.id, change.server);
      break;
    case "deleteRealserver":
      book.deleteRealserver(change.id, change.server);
      break;
    case "setTimeouts":
      checkTimeouts(change.timeouts);
      break;
  }
}

function makeChange(editor: Editor, change: Change): Promise<unknown> {
  switch (change.operation) {
    case "addService":
      return editor.addService(change.service);
    case "editService":
      return editor.editService(change.id, change.settings);
    case "deleteService":
      return editor.deleteService(change.id);
    case "clear":
      return editor.clear();
    case "addRealserver":
      return editor.addRealserver(change.id, change.server);
    case "editRealserver":
      return editor.editRealserver(change.id, change.server);
    case "deleteRealserver":
      return editor.deleteRealserver(change.id, change.server);
    case "setTimeouts":
      return editor.setTimeouts(change.timeouts);
  }
}
