/** The micro benchmarks in the order in which they run. */
import { listing } from "./listing.js";
import type { Micro } from "./micro.js";
import { schedulers } from "./schedulers.js";
import { templates } from "./templates.js";

export const MICROS: readonly Micro[] = [schedulers, templates, listing];
