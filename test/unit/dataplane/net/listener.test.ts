import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { bindHandle } from "../../../helpers/handle-echo.js";
import { connectTo, loopbackAddress, receive } from "../../../helpers/tcp.js";

// A child process inherits the socket as descriptor 3, as a forwarder without an IPC channel would; it believes to be a
// cluster worker, in which listening on a descriptor would otherwise be asked of a primary that is not there.
test("a listening socket may come as a descriptor, in a cluster worker too", async (t) => {
  const address = loopbackAddress();
  const { handle, port } = bindHandle(address, 0);
  t.after(() => handle.close());
  const module = new URL("../../../../src/dataplane/net/listener.js", import.meta.url);
  const program = `
    import { NetListener } from ${JSON.stringify(module.href)};
    const spec = { id: 1, service: 0, family: 4, address: [0, 0, 0, 0], port: ${port}, fd: 3 };
    new NetListener(spec, {
      accepted: (listener, client) => client.end("accepted"),
      failed: (listener, error) => { throw error; },
    });
    console.log("listening");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit", (handle as unknown as { fd: number }).fd],
    env: { ...process.env, NODE_UNIQUE_ID: "1" },
    cwd: fileURLToPath(new URL(".", import.meta.url)),
  });
  t.after(async () => {
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
  await once(child.stdout!, "data");
  const client = await connectTo({ address, port });
  assert.equal((await receive(client)).toString(), "accepted");
  client.end();
});
