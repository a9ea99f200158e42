/** `uvs templates`: which clients are bound to which realservers. */
import { formatEndpoint } from "../../core/address.js";
import { serviceKey } from "../../core/model.js";
import type { TemplateStatus } from "../../core/status.js";
import { type Command, ExitCode, UsageError } from "./command.js";
import { renderTable } from "./table.js";
import { FILTER_HELP, FILTER_OPTIONS, parseFilter } from "./targets.js";
import { formatAge } from "./units.js";

const HEAD = ["Service", "Client", "Realserver", "State", "Timeout", "Expires", "Connections"];
const RIGHT = new Set([4, 5, 6]);

export const templatesCommand: Command = {
  name: "templates",
  summary: "lists persistence templates, or flushes them",
  usage: "templates [flush] [--service SERVICE [--realserver REALSERVER]] [--client ADDRESS]",
  description: `Lists which clients are bound to which realservers. Each new connection starts the time-out
anew; open connections put the end off by a minute at a time. ASSURED: one was established;
GONE: the realserver was gone when it was wanted, the template matches nobody any longer.

flush removes all templates: new connections are scheduled anew, those that exist go on.

${FILTER_HELP}, under the service's netmask
  --json                    the same as JSON, as GET /v1/templates answers it`,
  example: "uvs templates --client 192.0.2.7",
  options: { ...FILTER_OPTIONS, json: { type: "boolean" } },
  positionals: [0, 1],
  async run({ operations, print }, args) {
    const [verb] = args.positionals;
    const choice = parseFilter(args);
    if (verb === undefined) {
      const templates = await operations.templates(choice);
      if (args.options["json"]) print(JSON.stringify({ templates }, null, 2));
      else print(templates.length === 0 ? "no templates" : renderTemplates(templates));
      return ExitCode.OK;
    }
    if (verb !== "flush") {
      throw new UsageError(`templates: found ${JSON.stringify(verb)}, accepted is flush, or nothing`);
    }
    if (Object.keys(choice).length > 0) throw new UsageError("templates flush takes no filter");
    const flushed = await operations.flushTemplates();
    print(flushed === 1 ? "1 template flushed" : `${flushed} templates flushed`);
    return ExitCode.OK;
  },
};

function renderTemplates(templates: readonly TemplateStatus[]): string {
  const rows = templates.map((template) => [
    serviceKey(template.service),
    template.client,
    formatEndpoint(template.realserver),
    template.valid ? template.state : "GONE",
    formatAge(template.timeoutSec * 1000),
    formatAge(template.expiresSec * 1000),
    `${template.connections}`,
  ]);
  return renderTable([HEAD, ...rows], RIGHT);
}
