/** A heartbeat link on an interface that is deleted and made again, in a network namespace. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { labMissing, VrrpLab } from "../helpers/vrrp-lab.js";

const skip = process.env["CI"] ? undefined : labMissing();

test("a multicast link joins its group again on an interface that was made anew between two looks", {
  skip,
}, () => {
  const lab = new VrrpLab();
  const path = (file: string): string => JSON.stringify(fileURLToPath(new URL(file, import.meta.url)));
  const program = `
    import { execFileSync } from "node:child_process";
    import { createSocket } from "node:dgram";
    import { once } from "node:events";
    import { udpLinks } from ${path("../../src/ha/heartbeat/udp-link.js")};
    import { waitFor } from ${path("../helpers/wait-for.js")};
    const ADDRESS = "10.78.0.1";
    const GROUP = "239.0.0.78";
    const ip = (...args) => execFileSync("ip", args);
    const makeInterface = () => {
      ip("link", "add", "d0", "type", "veth", "peer", "name", "d1");
      ip("link", "set", "d1", "up");
      ip("addr", "add", ADDRESS + "/24", "dev", "d0");
      ip("link", "set", "d0", "up");
    };
    const interfaceIndex = () => Number(JSON.parse(ip("-j", "link", "show", "dev", "d0"))[0].ifindex);
    makeInterface();
    const first = interfaceIndex();
    let heard = 0;
    const link = udpLinks({ isFloating: () => false, interfaceIndex })(
      { kind: "mcast", interface: "d0", group: GROUP }, 6940,
      { onDatagram: () => heard++, onTrouble: (key, words) => { throw new Error(words); } },
    );
    const isHeard = async () => {
      const before = heard;
      const peer = createSocket("udp4");
      await new Promise((resolve) => peer.bind(0, ADDRESS, resolve));
      peer.setMulticastInterface(ADDRESS);
      await waitFor("a message is heard", () => {
        peer.send("hello", 6940, GROUP);
        return heard > before;
      });
      peer.close();
    };
    await isHeard();
    ip("link", "del", "d0");
    makeInterface();
    link.refresh();
    await isHeard();
    console.log(JSON.stringify({ isAnother: interfaceIndex() !== first }));
    link.close();`;
  try {
    const host = lab.addHost("a", 1);
    const said = lab.run(host, process.execPath, "--input-type=module", "-e", program);
    assert.deepEqual(JSON.parse(said), { isAnother: true });
  } finally {
    lab.destroy();
  }
});
