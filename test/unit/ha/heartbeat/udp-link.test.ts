import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { describe, test } from "node:test";
import type { LinkSettings } from "../../../../src/ha/heartbeat/settings.js";
import type { Link } from "../../../../src/ha/heartbeat/transport.js";
import { udpLinks } from "../../../../src/ha/heartbeat/udp-link.js";
import { waitFor } from "../../../helpers/wait-for.js";

interface Opened {
  readonly link: Link;
  readonly heard: string[];
  readonly troubles: string[];
}

function open(settings: LinkSettings, port: number): Opened {
  const heard: string[] = [];
  const troubles: string[] = [];
  const link = udpLinks({ isFloating: (address) => address === "127.61.0.9", interfaceIndex: () => 1 })(
    settings,
    port,
    {
      onDatagram: (datagram, source) => heard.push(`${source} ${Buffer.from(datagram)}`),
      onTrouble: (key, words) => troubles.push(`${key}: ${words}`),
    },
  );
  return { link, heard, troubles };
}

function ucast(source: string, ...peers: string[]): LinkSettings {
  return { kind: "ucast", interface: "lo", source, peers };
}

/** A port of 127.61.0.1 that nobody has. */
async function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.61.0.1", resolve));
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

describe("a link over UDP", () => {
  test("carries datagrams between peers that share one list of addresses, both ways", async () => {
    const port = await freePort();
    const all = ["127.61.0.1", "127.61.0.2"];
    const one = open(ucast("127.61.0.1", ...all), port);
    const two = open(ucast("127.61.0.2", ...all), port);
    try {
      assert.deepEqual(one.link.destinations, ["127.61.0.2"], "its own address is passed over");
      await waitFor("both hear", () => {
        one.link.send(Buffer.from("from one"));
        two.link.send(Buffer.from("from two"));
        return one.heard.length > 0 && two.heard.length > 0;
      });
      assert.equal(two.heard[0], "127.61.0.1 from one");
      assert.equal(one.heard[0], "127.61.0.2 from two");
    } finally {
      one.link.close();
      two.link.close();
    }
  });

  test("says that its port is taken, and works once it is free and looked at again", async () => {
    const port = await freePort();
    const first = open(ucast("127.61.0.1", "127.61.0.2"), port);
    await waitFor("it is open", () => first.link.source !== undefined);
    const second = open(ucast("127.61.0.1", "127.61.0.2"), port);
    try {
      await waitFor("the second one is in trouble", () => second.troubles.length > 0);
      assert.match(second.troubles[0], /EADDRINUSE.*another heartbeat/);
      assert.match(second.link.trouble ?? "", /is taken/);
      first.link.close();
      second.link.refresh();
      assert.equal(second.link.trouble, undefined);
      assert.equal(second.link.source, "127.61.0.1");
    } finally {
      first.link.close();
      second.link.close();
    }
  });

  test("an interface that is not there is trouble and no exception", () => {
    const { link, troubles } = open({ kind: "bcast", interface: "none9" }, 6940);
    assert.match(troubles[0], /interface none9 is down or has no address/);
    assert.equal(link.source, undefined);
    link.send(Buffer.from("nothing"));
    link.close();
  });

  test("a broadcast link sends to the broadcast address of its network", () => {
    const { link } = open({ kind: "bcast", interface: "lo" }, 6940);
    assert.deepEqual(link.destinations, ["127.255.255.255"]);
    link.close();
  });
});
