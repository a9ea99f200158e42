/** The kernel's knobs (`net.ipv4.vs.*`) that make sense in a proxy, under the same names and with the same defaults. */
import { UvsError } from "./errors.js";

/** What a knob is. */
export interface SysctlDefinition {
  readonly initial: number;
  readonly min: number;
  readonly max: number;
  /** For people, one line. */
  readonly meaning: string;
}

/** Documentation/networking/ipvs-sysctl.rst, as far as it concerns a proxy. */
export const SYSCTLS = {
  expire_nodest_conn: {
    initial: 0,
    min: 0,
    max: 1,
    meaning: "1: deleting a realserver resets its connections",
  },
  expire_quiescent_template: {
    initial: 0,
    min: 0,
    max: 1,
    meaning: "1: a template does not lead to a realserver of weight 0",
  },
  lblc_expiration: {
    initial: 86400,
    min: 0,
    max: 2147483647,
    meaning: "seconds that lblc remembers an unused destination",
  },
  lblcr_expiration: {
    initial: 86400,
    min: 0,
    max: 2147483647,
    meaning: "seconds that lblcr remembers an unused destination, and keeps a set whole",
  },
  run_estimation: { initial: 1, min: 0, max: 1, meaning: "0: rates stand still" },
} as const satisfies Readonly<Record<string, SysctlDefinition>>;

export type SysctlName = keyof typeof SYSCTLS;

/** The value of every knob. */
export type SysctlValues = Readonly<Record<SysctlName, number>>;

/** Every knob as the kernel has it at first. */
export function initialSysctls(): SysctlValues {
  return Object.fromEntries(
    Object.entries(SYSCTLS).map(([name, { initial }]) => [name, initial]),
  ) as SysctlValues;
}

/**
 * Checks a knob's name and value.
 * @throws UvsError INVALID, with the known names or the accepted range
 */
export function checkSysctl(name: string, value: number): asserts name is SysctlName {
  if (!Object.hasOwn(SYSCTLS, name)) {
    throw new UvsError(
      "INVALID",
      `sysctl: found "${name}", accepted is one of ${Object.keys(SYSCTLS).join(", ")}`,
    );
  }
  const { min, max } = SYSCTLS[name as SysctlName];
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new UvsError("INVALID", `${name}: found ${value}, accepted is a whole number from ${min} to ${max}`);
}
