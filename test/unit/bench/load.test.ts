import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAutocannon } from "../../../bench/load/autocannon.js";
import { parseWrk, wrk } from "../../../bench/load/wrk.js";

const WRK = `Running 2s test @ http://127.0.0.1:18099/nope
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.16ms  480.90us   6.38ms   86.66%
    Req/Sec    56.33k    11.96k   65.14k    75.00%
  Latency Distribution
     50%  901.00us
     75%    1.11ms
     90%    1.69ms
     99%    1.47s 
  111762 requests in 2.00s, 26.86MB read
Requests/sec:  55744.20
Transfer/sec:     13.40MB
`;

test("wrk's output gives requests, their rate, and percentiles in milliseconds whatever their unit", () => {
  const result = parseWrk(WRK);
  assert.deepEqual(result, { requests: 111762, perSecond: 55744.2, p50Ms: 0.901, p99Ms: 1470, errors: 0 });
});

test("socket errors and bad answers of wrk are counted together", () => {
  const output = WRK.replace(
    "Requests/sec",
    "  Socket errors: connect 1, read 20, write 300, timeout 4000\n  Non-2xx or 3xx responses: 50000\nRequests/sec",
  );
  assert.equal(parseWrk(output).errors, 54321);
});

test("output of wrk without a line that is needed is refused naming what is missing", () => {
  assert.throws(
    () => parseWrk("unable to connect to 127.0.0.1:1 Connection refused\n"),
    /wrk: no line for requests/,
  );
});

test("wrk asks for a new connection for each request with the Connection header", () => {
  const request = { url: "http://127.0.0.1/", connections: 64, seconds: 5 };
  assert.ok(wrk.command({ ...request, close: true }).includes("--header=Connection: close"));
  assert.ok(!wrk.command({ ...request, close: false }).some((word) => word.includes("Connection:")));
});

const AUTOCANNON = {
  duration: 2,
  errors: 1,
  timeouts: 2,
  non2xx: 4,
  "2xx": 1000,
  latency: { p50: 1, p99: 5 },
};

test("autocannon's report gives the answers with status 2xx, their rate and the failures", () => {
  const result = parseAutocannon(JSON.stringify(AUTOCANNON));
  assert.deepEqual(result, { requests: 1000, perSecond: 500, p50Ms: 1, p99Ms: 5, errors: 7 });
});

test("a report of autocannon without a number that is needed is refused naming it", () => {
  assert.throws(() => parseAutocannon(JSON.stringify({ ...AUTOCANNON, latency: {} })), /latency\.p50/);
});
