/** Processor time between two moments, of a balancer and of the whole machine. */
import { systemCpuUs, treeCpuUs } from "./proc.js";

/** Processor time and clock time that passed. */
export interface CpuUse {
  /** Of the balancer's process tree; undefined where there is no balancer. */
  readonly processUs: number | undefined;
  readonly systemUs: number;
  readonly elapsedUs: number;
}

/**
 * Starts to measure.
 * @param root root of the balancer's process tree, undefined for none
 * @returns a function that ends the measurement
 */
export function measureCpu(root: number | undefined): () => CpuUse {
  const process0 = root === undefined ? 0 : treeCpuUs(root);
  const system0 = systemCpuUs();
  const start = process.hrtime.bigint();
  return () => ({
    elapsedUs: Number(process.hrtime.bigint() - start) / 1000,
    systemUs: systemCpuUs() - system0,
    processUs: root === undefined ? undefined : treeCpuUs(root) - process0,
  });
}
