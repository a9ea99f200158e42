import { nativePlaneHarness } from "../helpers/native-plane-harness.js";
import { dataplaneSuite } from "./dataplane-suite.js";

dataplaneSuite("native", async () => nativePlaneHarness());
