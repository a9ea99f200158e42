/** A process: makes as many connections as it is told, and answers with a `StormResult`. Argument: a `StormJob`. */
import { serve } from "./ask.js";
import { type StormJob, storm } from "./storm.js";

serve((job: StormJob) => (total: number) => storm(job, total));
