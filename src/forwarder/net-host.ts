/** Runs the `net` data plane in the forwarder's main thread. */
import { ConnectionDispatcher } from "../balancer/dispatcher.js";
import type { PlaneCommand } from "../dataplane/dataplane.js";
import { NetPlane } from "../dataplane/net/plane.js";
import type { HostOptions, PlaneHost, SocketHandle } from "./plane-host.js";

/** Host of the one net plane. */
export class NetHost implements PlaneHost {
  readonly #plane: NetPlane;
  readonly #stopped: Promise<void>;

  constructor({ columns, memory, rings, onEvent }: HostOptions) {
    let settle = (): void => {};
    this.#stopped = new Promise((resolve) => {
      settle = resolve;
    });
    this.#plane = new NetPlane({
      thread: 0,
      dispatcher: new ConnectionDispatcher(columns),
      memory,
      records: rings[0],
      notify: (event) => {
        if (event.event === "stopped") settle();
        onEvent(event);
      },
    });
  }

  async start(): Promise<void> {}

  command(_thread: number, command: PlaneCommand, handle?: SocketHandle): void {
    if (command.op === "listen" && handle !== undefined) {
      this.#plane.execute({ ...command, listener: { ...command.listener, handle } });
    } else {
      this.#plane.execute(command);
    }
  }

  async stop(): Promise<void> {
    this.command(0, { op: "stop" });
    await this.#stopped;
  }
}
