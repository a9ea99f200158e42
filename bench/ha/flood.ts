/**
 * A stranger on the link that uses the same virtual router id, as a program: `node flood.js ADDRESS`. Every millisecond it
 * sends an advertisement that must be rejected: a wrong checksum, another password, a priority above all. Until it is killed.
 */

import { loadLibc } from "../../src/dataplane/native/libc.js";
import { NativeRawSockets } from "../../src/dataplane/native/raw-sockets.js";
import { encode, MULTICAST_GROUP, passwordAuthentication } from "../../src/ha/vrrp/codec.js";

const [source] = process.argv.slice(2);
const raw = new NativeRawSockets(loadLibc(), (error) => {
  throw error;
});
const destination = MULTICAST_GROUP[4];
const socket = raw.openVrrp({ family: 4, interface: "eth0", source, group: destination, ttl: 255 }, () => {});
const addresses = ["10.79.0.100"];
const envelope = { source, destination };
const authentication = passwordAuthentication("stranger");
const packets = ([2, 3] as const).map((version) =>
  encode(
    {
      version,
      vrid: 51,
      priority: 254,
      intervalCs: version === 2 ? 100 : 10,
      addresses,
      ...(version === 2 && { authentication }),
    },
    envelope,
  ),
);
// The checksum of version 3 is made wrong; with version 2 the password is.
packets[1][6] ^= 0xff;
setInterval(() => {
  for (const packet of packets) socket.send(destination, packet);
}, 1);
