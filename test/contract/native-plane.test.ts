import { after, describe } from "node:test";
import { nativePlaneHarness } from "../helpers/native-plane-harness.js";
import { relayBehaviour } from "./dataplane/relay.js";
import { planeRunner } from "./dataplane/with-plane.js";
import { dataplaneSuite } from "./dataplane-suite.js";

dataplaneSuite("native", async () => nativePlaneHarness());

describe("the native data plane that gets no pipe carries bytes", () => {
  const harness = nativePlaneHarness({ buffers: 256, pipes: 0 });
  after(() => harness.close());
  relayBehaviour(planeRunner(() => harness));
});

describe("the native data plane that has neither pipe nor buffer left carries bytes", () => {
  const harness = nativePlaneHarness({ buffers: 0, pipes: 0 });
  after(() => harness.close());
  relayBehaviour(planeRunner(() => harness));
});
