/** Settings of a virtual router that tests begin with and vary. */
import type { InstanceSettings } from "../../src/ha/vrrp/settings.js";

/** Version 3 every 100 ms, with one address. */
export const VRRP_SETTINGS: InstanceSettings = {
  name: "vi",
  interface: "eth0",
  id: 51,
  version: 3,
  family: 4,
  priority: 100,
  advertMs: 100,
  addresses: ["10.0.0.100"],
};
