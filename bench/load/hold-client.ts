/** A process: answers each `HoldStep` with a number of connections. Argument: a `HoldJob`. */
import { serve } from "./ask.js";
import { Hold, type HoldJob, type HoldStep } from "./hold.js";

serve((job: HoldJob) => {
  const hold = new Hold(job);
  return (step: HoldStep) => hold.step(step);
});
