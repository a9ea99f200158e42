/** A process: answers each `OpenLoopRun` with an `OpenLoopResult`. Argument: an `OpenLoopJob`. */
import { serve } from "./ask.js";
import { OpenLoop, type OpenLoopJob, type OpenLoopRun } from "./open-loop.js";

serve((job: OpenLoopJob) => {
  const load = new OpenLoop(job);
  return (run: OpenLoopRun) => load.run(run);
});
