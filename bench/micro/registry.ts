/** The micro benchmarks in the order in which they run. */
import { listing } from "./listing.js";
import type { Micro } from "./micro.js";
import { templates } from "./templates.js";

export const MICROS: readonly Micro[] = [templates, listing];
