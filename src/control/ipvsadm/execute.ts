/** Carries out one command through the director's operations. */
import type { Endpoint } from "../../core/address.js";
import type { ServiceCounts } from "../../core/status.js";
import type { Operations } from "../operations.js";
import { applyChange, type CurrentSettings, changeOf, NOTHING_BEFORE, SettingsAhead } from "./changes.js";
import type { IpvsadmCommand } from "./command.js";
import { CommandLineError, EXIT } from "./failure.js";
import { helpText, VERSION_TEXT } from "./help.js";
import { type EndpointText, namedText, numericText } from "./labels.js";
import type { NameResolver } from "./names.js";
import { renderSave, renderService, renderServices } from "./render-services.js";
import { renderConnections, renderDaemons, renderTimeouts } from "./render-state.js";

/** What commands work on. */
export interface Surroundings {
  readonly operations: Operations;
  readonly resolver: NameResolver;
  /** The program's name in messages. */
  readonly program: string;
}

/**
 * Carries out any command but `restore`.
 * @returns what it prints
 * @throws UvsError where the director refuses; CommandLineError where there is nothing to stop
 */
export async function execute(
  command: Exclude<IpvsadmCommand, { name: "restore" }>,
  { operations, resolver, program }: Surroundings,
): Promise<string> {
  switch (command.name) {
    case "help":
      return helpText(program);
    case "version":
      return VERSION_TEXT;
    case "list-services": {
      const { id, choice } = command;
      // The director writes what needs no names: its listing of ten thousand realservers is a fraction of their status.
      if (id === undefined && choice.numeric) return operations.listing(choice);
      const services = await operations.services(id);
      const text = await servicesText(services, choice.numeric, resolver);
      return id === undefined
        ? renderServices(services, choice, text)
        : services.map((service) => renderService(service, choice, text)).join("");
    }
    case "save": {
      if (command.numeric) return operations.listing({ format: "save", sorted: true, exact: false });
      const services = await operations.services();
      return renderSave(services, await servicesText(services, command.numeric, resolver));
    }
    case "list-connections": {
      const connections = await operations.connections();
      const endpoints = connections.flatMap(({ client, virtual, realserver }) => [
        client,
        virtual,
        realserver,
      ]);
      const text = await endpointText(endpoints, command.numeric, resolver);
      return renderConnections(connections, command.engines, text);
    }
    case "list-timeouts":
      return renderTimeouts(await operations.timeouts());
    case "list-daemons":
      return renderDaemons(await operations.syncDaemons());
    case "start-daemon":
      await operations.startSyncDaemon(command.daemon);
      return "";
    case "stop-daemon": {
      const ran = await operations.stopSyncDaemon(command.role);
      if (!ran) throw new CommandLineError("No daemon is running", EXIT.failed, false);
      return "";
    }
    case "zero":
      await operations.zero(command.id);
      return "";
    default: {
      const change = changeOf(command, await settingsNow(command, operations));
      if (change !== undefined) await applyChange(operations, change);
      return "";
    }
  }
}

/** Only an edit has to know the present settings. */
async function settingsNow(command: IpvsadmCommand, operations: Operations): Promise<CurrentSettings> {
  if (command.name !== "edit-service" && command.name !== "edit-server") return NOTHING_BEFORE;
  return new SettingsAhead(await operations.services(command.id));
}

function servicesText(
  services: readonly ServiceCounts[],
  numeric: boolean,
  resolver: NameResolver,
): Promise<EndpointText> {
  const endpoints = services.flatMap(({ id, realservers }): readonly Endpoint[] =>
    "fwmark" in id ? realservers : [id, ...realservers],
  );
  return endpointText(endpoints, numeric, resolver);
}

async function endpointText(
  endpoints: readonly Endpoint[],
  numeric: boolean,
  resolver: NameResolver,
): Promise<EndpointText> {
  return numeric ? numericText : namedText(endpoints, resolver);
}
