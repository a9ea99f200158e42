import { UvsError } from "../../core/errors.js";
import { EPERM, errnoName } from "./linux.js";
import { syscallError } from "./syscall-error.js";

/** The error for a call that opens or prepares a raw socket. @param result the negated errno that the call returned */
export function rawSocketError(call: string, result: number, interfaceName: string): UvsError {
  const where = `${call} on ${interfaceName}`;
  if (result !== -EPERM)
    return syscallError(where, result, "check the interface and its addresses (ip addr)");
  return new UvsError(
    "PERMISSION",
    `${where} failed with EPERM: run as root, or give the capability CAP_NET_RAW (in a container: --cap-add NET_RAW)`,
    { side: "system", details: { call, errno: errnoName(-result), interface: interfaceName } },
  );
}
