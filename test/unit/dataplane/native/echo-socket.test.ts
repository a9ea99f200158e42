import assert from "node:assert/strict";
import { test } from "node:test";
import { UvsError } from "../../../../src/core/errors.js";
import { loadLibc } from "../../../../src/dataplane/native/libc.js";
import { NativeRawSockets } from "../../../../src/dataplane/native/raw-sockets.js";
import { echoReply, echoRequest } from "../../../../src/ha/heartbeat/echo.js";
import { waitFor } from "../../../helpers/wait-for.js";

const skip =
  process.platform !== "linux" ? "raw sockets need Linux" : process.getuid?.() !== 0 && "ICMP needs root";

for (const [family, address] of [
  [4, "127.62.0.1"],
  [6, "::1"],
] as const) {
  test(`the host answers an echo over IPv${family} with what was sent`, { skip }, async (t) => {
    const raw = new NativeRawSockets(loadLibc(), (error) => assert.fail(error));
    const replies: string[] = [];
    try {
      const socket = raw.openEcho(family, (source, message) => {
        const reply = echoReply(family, message);
        if (reply?.id === 0x7573) replies.push(`${source} ${Buffer.from(reply.payload)}`);
      });
      const errno = socket.send(address, echoRequest(family, 0x7573, 1, Buffer.from("payload")));
      if (family === 6 && errno !== undefined) t.skip(`no IPv6 here: ${errno}`);
      else {
        assert.equal(errno, undefined);
        await waitFor("an answer", () => replies.length > 0);
        assert.equal(replies[0], `${address} payload`);
      }
      socket.close();
      assert.equal(socket.send(address, new Uint8Array(8)), "EBADF");
    } catch (error) {
      if (!(error instanceof UvsError) || error.code !== "PERMISSION") throw error;
      t.skip(error.message);
    } finally {
      await raw.close();
    }
  });
}
