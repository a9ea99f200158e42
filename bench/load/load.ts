/** What generates HTTP load: wrk, or autocannon where wrk is missing. */

/** One run of the load. */
export interface LoadRequest {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** One request per connection, instead of keeping connections alive. */
  readonly close: boolean;
  /** Sends a body of so many bytes. @default none */
  readonly bodyBytes?: number;
}

/** What came of it. Latencies in milliseconds. */
export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that are missing, late or not 2xx. */
  readonly errors: number;
}

/** A load generator. */
export interface LoadTool {
  readonly name: string;
  /** What it cannot show, for the reader of the results; empty for nothing. */
  readonly caveat: string;
  command(request: LoadRequest): readonly string[];
  /** @throws Error when the output is not that of a complete run */
  parse(output: string): LoadResult;
}
