import assert from "node:assert/strict";
import { test } from "node:test";
import { complaints, listedAddresses, listedInterfaces } from "../../../../src/ha/links/ip-output.js";

/** As iproute2 6.1 prints it. */
const OUTPUT =
  `2: eth0@if3: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000
    link/ether 02:79:00:00:00:01 brd ff:ff:ff:ff:ff:ff link-netns sw
    inet 10.79.0.1/24 brd 10.79.0.255 scope global eth0
       valid_lft forever preferred_lft forever
    inet 10.79.0.100/24 brd 10.79.0.255 scope global secondary eth0:1
       valid_lft forever preferred_lft forever
    inet 10.0.0.1 peer 10.0.0.2/32 scope global eth0
       valid_lft forever preferred_lft forever
    inet6 FD79:0::100/64 scope global nodad
       valid_lft forever preferred_lft forever
RTNETLINK answers: File exists
Command failed -:3
4: eth1: <NO-CARRIER,BROADCAST,MULTICAST,UP> mtu 1500 qdisc noqueue state DOWN group default
    link/ether 02:79:00:00:00:02 brd ff:ff:ff:ff:ff:ff
5: eth2: <BROADCAST,MULTICAST> mtu 1500 qdisc noop state DOWN group default
Device "eth9" does not exist.
Command failed -:6`.split("\n");

test("interfaces are listed with their addresses, and are up only with a carrier", () => {
  assert.deepEqual(listedInterfaces(OUTPUT), [
    { name: "eth0", isUp: true, addresses: ["10.79.0.1", "10.79.0.100", "10.0.0.1", "fd79::100"] },
    { name: "eth1", isUp: false, addresses: [] },
    { name: "eth2", isUp: false, addresses: [] },
  ]);
});

test("addresses are keyed by interface", () => {
  assert.ok(listedAddresses(OUTPUT).has("eth0 10.79.0.100"));
  assert.ok(!listedAddresses(OUTPUT).has("eth1 10.79.0.100"));
});

test("what is no listing is a complaint", () => {
  assert.deepEqual(complaints(OUTPUT), ["RTNETLINK answers: File exists", 'Device "eth9" does not exist.']);
});
