import assert from "node:assert/strict";
import { test } from "node:test";
import type { Failure, Resource } from "../../../../src/ha/resources/resource.js";
import { ResourceRunner } from "../../../../src/ha/resources/runner.js";
import { FakeTimers, settle } from "../../../helpers/fake-timers.js";
import { RecordingLogger } from "../../../helpers/recording-logger.js";

/** A resource whose answers the test chooses. */
class Scripted implements Resource {
  readonly monitorMs = 10_000;
  failure: { start?: string; stop?: string; monitor?: string } = {};
  isSlow = false;
  finish: (failure?: string) => void = () => {};

  constructor(
    readonly name: string,
    readonly said: string[],
  ) {}

  start(signal: AbortSignal): Promise<Failure> {
    this.said.push(`${this.name} start`);
    if (!this.isSlow) return Promise.resolve(this.failure.start);
    return new Promise((resolve) => {
      this.finish = resolve;
      signal.addEventListener("abort", () => resolve("stopped"));
    });
  }

  stop(): Promise<Failure> {
    this.said.push(`${this.name} stop`);
    return Promise.resolve(this.failure.stop);
  }

  monitor(): Promise<Failure> {
    this.said.push(`${this.name} monitor`);
    return Promise.resolve(this.failure.monitor);
  }
}

function bench(restarts = 2) {
  const said: string[] = [];
  const timers = new FakeTimers();
  const logger = new RecordingLogger();
  const failures: string[] = [];
  const resources = ["a", "b", "c"].map((name) => new Scripted(name, said));
  const runner = new ResourceRunner(
    resources,
    { restarts },
    {
      timers,
      logger,
      onFailure: (reason) => failures.push(reason),
    },
  );
  /** What was said since the last time. */
  const heard = (): string[] => said.splice(0);
  return { runner, resources, timers, logger, failures, heard };
}

test("resources are started from left to right and stopped from right to left", async () => {
  const { runner, heard } = bench();
  runner.start();
  await settle();
  assert.equal(runner.state, "started");
  await runner.stop();
  assert.deepEqual(heard(), ["a start", "b start", "c start", "c stop", "b stop", "a stop"]);
  assert.equal(runner.state, "stopped");
});

test("they are started when the last one is, not when its start has begun", async () => {
  const { runner, resources } = bench();
  resources[2].isSlow = true;
  runner.start();
  await settle();
  assert.equal(runner.state, "starting");
  resources[2].finish();
  await settle();
  assert.equal(runner.state, "started");
});

test("a start that hangs is ended by the stop, and what was begun is stopped", async () => {
  const { runner, resources, heard } = bench();
  resources[1].isSlow = true;
  runner.start();
  await settle();
  assert.equal(runner.state, "starting");
  await runner.stop();
  assert.deepEqual(heard(), ["a start", "b start", "b stop", "a stop"]);
});

test("a start that is wanted again while it stops begins when the stop is done", async () => {
  const { runner, heard } = bench();
  runner.start();
  await settle();
  heard();
  const stopped = runner.stop();
  runner.start();
  await stopped;
  await settle();
  assert.equal(runner.state, "started");
  assert.equal(heard().at(-1), "c start");
});

test("each that runs is looked at in its interval", async () => {
  const { runner, timers, heard } = bench();
  runner.start();
  await settle();
  heard();
  await timers.advance(20_000);
  assert.deepEqual(
    heard().sort(),
    ["a", "a", "b", "b", "c", "c"].map((name) => `${name} monitor`),
  );
  await runner.stop();
  heard();
  await timers.advance(20_000);
  assert.deepEqual(heard(), []);
});

test("one that does not run any more is restarted with those right of it", async () => {
  const { runner, resources, timers, heard, failures } = bench();
  runner.start();
  await settle();
  heard();
  resources[1].failure = { monitor: "not running" };
  await timers.advance(10_000);
  resources[1].failure = {};
  assert.deepEqual(
    heard().filter((line) => !line.endsWith("monitor")),
    ["c stop", "b stop", "b start", "c start"],
  );
  assert.deepEqual(failures, []);
});

test("one that fails too often makes the group leave, and nothing more is started", async () => {
  const { runner, resources, heard, failures } = bench();
  resources[1].failure = { start: "exit status 1" };
  runner.start();
  await settle();
  assert.equal(heard().filter((line) => line === "b start").length, 3);
  assert.deepEqual(failures, ["b did not start: exit status 1"]);
  assert.equal(runner.state, "failed");
  await runner.stop();
  assert.deepEqual(heard(), ["b stop", "a stop"]);
});

test("a new start after a failure counts anew", async () => {
  const { runner, resources } = bench(0);
  resources[0].failure = { start: "exit status 1" };
  runner.start();
  await settle();
  await runner.stop();
  resources[0].failure = {};
  runner.start();
  await settle();
  assert.equal(runner.state, "started");
});

test("one that does not stop is tried three times, told loudly, and does not keep the others", async () => {
  const { runner, resources, heard, logger } = bench();
  runner.start();
  await settle();
  heard();
  resources[2].failure = { stop: "exit status 1" };
  await runner.stop();
  assert.deepEqual(heard(), ["c stop", "c stop", "c stop", "b stop", "a stop"]);
  assert.match(logger.records.filter(({ level }) => level === "error")[0].message, /c does not stop/);
});

test("a list without resources is started and stopped at once", async () => {
  const runner = new ResourceRunner(
    [],
    {},
    {
      timers: new FakeTimers(),
      logger: new RecordingLogger(),
      onFailure: () => {},
    },
  );
  runner.start();
  assert.equal(runner.state, "started");
  await runner.stop();
  assert.equal(runner.state, "stopped");
});

test("what is surrendered is left running, and looked after no longer", async () => {
  const { runner, heard, timers } = bench();
  runner.start();
  await settle();
  heard();
  runner.surrender();
  await timers.advance(60_000);
  await runner.stop();
  assert.deepEqual(heard(), []);
});
