import { UvsError } from "../../src/core/errors.js";

/** `ip` in memory: knows `addr add`, `addr del` and `addr show` of interfaces that are there. */
export class FakeIp {
  /** Addresses with their prefix, by interface. */
  readonly interfaces = new Map<string, Set<string>>([["eth0", new Set()]]);
  readonly commands: string[] = [];
  /** What it answers to every `addr add` instead of doing it. */
  refusal: string | undefined;
  /** The program has ended. */
  isMissing = false;

  async run(commands: readonly string[]): Promise<string[]> {
    if (this.isMissing) throw new UvsError("UNSUPPORTED", "the program ip of the package iproute2 is needed");
    return commands.flatMap((command) => this.#run(command));
  }

  has(interfaceName: string, address: string): boolean {
    return [...(this.interfaces.get(interfaceName) ?? [])].some((entry) => entry.startsWith(`${address}/`));
  }

  #run(command: string): string[] {
    this.commands.push(command);
    const name = / dev (\S+)/.exec(command)?.[1] ?? "";
    const addresses = this.interfaces.get(name);
    if (addresses === undefined) return [`Device "${name}" does not exist.`];
    const [, verb, address] = command.split(" ");
    if (verb === "show") {
      return [
        `2: ${name}: <UP,LOWER_UP> mtu 1500`,
        ...[...addresses].map((entry) => `    inet${entry.includes(":") ? "6" : ""} ${entry} scope global`),
      ];
    }
    if (verb === "add") {
      if (this.refusal !== undefined) return [this.refusal];
      if (addresses.has(address)) return ["RTNETLINK answers: File exists"];
      addresses.add(address);
    } else if (!addresses.delete(address)) return ["RTNETLINK answers: Cannot assign requested address"];
    return [];
  }
}
