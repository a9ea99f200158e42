/**
 * The behaviour of the data plane, as one suite that every implementation runs (src/dataplane/dataplane.ts). Each plane
 * works with a scripted dispatcher, real realservers and real clients on loopback; after every test the Dispatcher
 * protocol must have been kept and every gauge be back at 0.
 */
import { after, before, describe } from "node:test";
import type { PlaneHarness } from "../helpers/plane-harness.js";
import { accountingBehaviour } from "./dataplane/accounting.js";
import { connectBehaviour } from "./dataplane/connect.js";
import { controlBehaviour } from "./dataplane/control.js";
import { limitBehaviour } from "./dataplane/limits.js";
import { loadBehaviour } from "./dataplane/load.js";
import { proxyAcceptBehaviour } from "./dataplane/proxy-accept.js";
import { proxySendBehaviour } from "./dataplane/proxy-send.js";
import { relayBehaviour } from "./dataplane/relay.js";
import { sourceBehaviour } from "./dataplane/source.js";
import { udpBehaviour } from "./dataplane/udp.js";
import type { WithPlane } from "./dataplane/with-plane.js";
import { planeRunner } from "./dataplane/with-plane.js";

/** Declares the tests of one implementation. @param makeHarness called once, before the first test */
export function dataplaneSuite(name: string, makeHarness: () => Promise<PlaneHarness>): void {
  describe(`the ${name} data plane`, () => {
    let harness: PlaneHarness | undefined;
    before(async () => {
      harness = await makeHarness();
    });
    after(() => harness?.close());
    const withPlane: WithPlane = planeRunner(() => {
      if (!harness) throw new Error("the harness did not start");
      return harness;
    });
    describe("carries bytes", () => relayBehaviour(withPlane));
    describe("connects to realservers", () => connectBehaviour(withPlane));
    describe("connects from addresses", () => sourceBehaviour(withPlane));
    describe("keeps limits and time-outs", () => limitBehaviour(withPlane));
    describe("obeys commands", () => controlBehaviour(withPlane));
    describe("accounts for connections", () => accountingBehaviour(withPlane));
    describe("sends PROXY headers", () => proxySendBehaviour(withPlane));
    describe("accepts PROXY headers", () => proxyAcceptBehaviour(withPlane));
    describe("carries datagrams", () => udpBehaviour(withPlane));
    describe("bears load", () => loadBehaviour(withPlane));
  });
}
