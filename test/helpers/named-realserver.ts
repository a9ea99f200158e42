/** Realservers that greet each client with their name, which tells a test where a connection went. */
import type { Socket } from "node:net";
import type { TestContext } from "node:test";
import { startRealserver, type TestRealserver } from "./tcp.js";

/** Starts one that ends a connection when its client does; it ends with the test. */
export async function startNamed(
  t: TestContext,
  name: string,
  serve: (socket: Socket) => void = (socket) => socket.on("end", () => socket.end()).resume(),
): Promise<TestRealserver> {
  const realserver = await startRealserver((socket) => {
    socket.write(name);
    serve(socket);
  });
  t.after(() => realserver.close());
  return realserver;
}

/** Starts several. @returns them, and their addresses as a YAML list */
export async function startAllNamed(
  t: TestContext,
  names: readonly string[],
): Promise<{ realservers: TestRealserver[]; list: string }> {
  const realservers = await Promise.all(names.map((name) => startNamed(t, name)));
  return { realservers, list: yamlList(realservers) };
}

/** Addresses of realservers as a YAML flow sequence. */
export function yamlList(targets: readonly { readonly address: string; readonly port: number }[]): string {
  return `[ ${targets.map(({ address, port }) => `"${address}:${port}"`).join(", ")} ]`;
}
