/** VRRP's settings from what is configured. */
import type { HaSettings, VrrpHmacSettings, VrrpRouterSettings } from "../../core/ha-settings.js";
import type { RouterSettings, VrrpSettings } from "../../ha/vrrp/peer-settings.js";
import type { HmacSettings } from "../../ha/vrrp/settings.js";

/** Undefined where no virtual router is configured. */
export function vrrpSettings({ floating, vrrp, ...rest }: HaSettings): VrrpSettings | undefined {
  if (vrrp.length === 0) return undefined;
  const { scripts, syncGroups, fencing } = rest;
  return { routers: vrrp.map((router) => routerSettings(router, floating)), scripts, syncGroups, fencing };
}

function routerSettings(router: VrrpRouterSettings, all: HaSettings["floating"]): RouterSettings {
  const { floating: names, hmac, recovery, ...settings } = router;
  const own = names.flatMap((name) => all.filter(({ address }) => address === name));
  return {
    ...settings,
    addresses: own.filter(({ isAdvertised }) => isAdvertised).map(({ address }) => address),
    floating: own.map(({ isAdvertised: _, ...floating }) => floating),
    group: recovery,
    ...(hmac && { hmac: hmacSettings(hmac) }),
  };
}

function hmacSettings({ keys, ...settings }: VrrpHmacSettings): HmacSettings {
  return { ...settings, keys: new Map(keys.map(({ id, key }) => [id, keyBytes(key)])) };
}

function keyBytes(key: string): Uint8Array {
  return key.startsWith("0x") ? Buffer.from(key.slice(2), "hex") : Buffer.from(key);
}
