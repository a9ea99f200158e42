import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, test } from "node:test";
import { parseIp } from "../../../src/core/address.js";
import { Verdict } from "../../../src/core/dispatch.js";
import {
  claimRecord,
  commitRecord,
  createRecordRing,
  EndReason,
  RecordField,
  type RecordRing,
} from "../../../src/dataplane/records.js";
import { RecordSink, type SlotNames } from "../../../src/forwarder/record-sink.js";
import { AccessLog } from "../../../src/metrics/access-log.js";
import { Durations } from "../../../src/metrics/durations.js";
import { RecordingLogger } from "../../helpers/recording-logger.js";
import { withTemporaryFolder } from "../../helpers/temporary-folder.js";
import { waitFor } from "../../helpers/wait-for.js";

const NAMES: SlotNames = {
  serviceKey: (slot) => `tcp://192.0.2.${slot}:80`,
  serviceText: (slot) => `TCP 192.0.2.${slot}:80`,
  serverText: (slot) => `10.0.0.${slot}:80`,
  scheduler: () => "wlc",
};

/** What a test says of a connection; the rest is that of an ordinary one. */
interface Ended {
  readonly client?: string;
  readonly destination?: string;
  readonly service?: number;
  readonly server?: number;
  readonly connectMs?: number;
  readonly end?: keyof typeof EndReason;
}

function end(ring: RecordRing, ended: Ended): void {
  const { client = "198.51.100.7", destination = "192.0.2.1" } = ended;
  const { service = 1, server = 2, connectMs = 0.2504, end = "client" } = ended;
  const at = claimRecord(ring);
  assert.notEqual(at, -1);
  const put = (field: number, ...values: number[]): void => ring.records.set(values, at + field);
  put(RecordField.startMs, Date.UTC(2026, 0, 2, 3, 4, 5, 678));
  put(RecordField.connectMs, connectMs);
  put(RecordField.sessionMs, 12.5);
  put(RecordField.family, parseIp(client)!.family);
  put(RecordField.client, ...parseIp(client)!.words);
  put(RecordField.clientPort, 51234);
  put(RecordField.service, service);
  put(RecordField.server, server);
  put(RecordField.destination, ...parseIp(destination)!.words);
  put(RecordField.destinationPort, 80);
  put(RecordField.inBytes, 78);
  put(RecordField.outBytes, 5e9);
  put(RecordField.end, EndReason[end]);
  put(RecordField.retries, 1);
  commitRecord(ring);
}

let ring: RecordRing;
let durations: Durations;
let logger: RecordingLogger;
let nowMs: number;

beforeEach(() => {
  ring = createRecordRing(64);
  durations = new Durations();
  logger = new RecordingLogger();
  nowMs = 0;
});

function sinkOf(options: { accessLog?: AccessLog; rings?: RecordRing[] } = {}): RecordSink {
  const { accessLog, rings = [ring] } = options;
  return new RecordSink({ rings, names: NAMES, durations, accessLog, logger, clock: { nowMs: () => nowMs } });
}

async function accessRecordsOf(connections: readonly Ended[]): Promise<Record<string, unknown>[]> {
  return withTemporaryFolder(async (folder) => {
    const file = join(folder, "access.log");
    const accessLog = new AccessLog({ file });
    for (const ended of connections) end(ring, ended);
    sinkOf({ accessLog }).drain();
    await accessLog.close();
    return readFileSync(file, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  });
}

test("durations of the rings of all threads are merged by realserver", () => {
  const other = createRecordRing(64);
  end(ring, { server: 2 });
  end(other, { server: 2 });
  end(other, { server: 3 });
  sinkOf({ rings: [ring, other] }).drain();
  assert.equal(durations.connectTime(2).count, 2);
  assert.equal(durations.connectTime(3).count, 1);
  assert.equal(durations.sessionTime(2).maxMs, 12.5);
});

test("a connection that never reached a realserver counts in no durations", () => {
  end(ring, { server: 2, connectMs: -1, end: "connectFailed" });
  end(ring, { server: Verdict.SORRY });
  sinkOf().drain();
  assert.equal(durations.connectTime(2).count, 0);
});

test("a connection becomes a record of the access log", async () => {
  assert.deepEqual(await accessRecordsOf([{}]), [
    {
      time: "2026-01-02T03:04:05.678Z",
      client: "198.51.100.7:51234",
      vip: "192.0.2.1:80",
      service: "tcp://192.0.2.1:80",
      realserver: "10.0.0.2:80",
      inBytes: 78,
      outBytes: 5e9,
      connectMs: 0.25,
      sessionMs: 12.5,
      end: "client",
      retries: 1,
    },
  ]);
});

test("IPv6 addresses are in brackets", async () => {
  const [record] = await accessRecordsOf([{ client: "2001:db8::7", destination: "2001:db8::1" }]);
  assert.equal(record["client"], "[2001:db8::7]:51234");
  assert.equal(record["vip"], "[2001:db8::1]:80");
});

test("the sorry server and a missing realserver are told apart", async () => {
  const records = await accessRecordsOf([
    { server: Verdict.SORRY },
    { server: Verdict.NO_SERVER, connectMs: -1, end: "noServer" },
  ]);
  assert.deepEqual(
    records.map(({ realserver, connectMs, end }) => ({ realserver, connectMs, end })),
    [
      { realserver: "sorry", connectMs: 0.25, end: "client" },
      { realserver: null, connectMs: null, end: "noServer" },
    ],
  );
});

test("without an available realserver the kernel's sentence is logged once, then a count", () => {
  const sink = sinkOf();
  for (let i = 0; i < 5; i++) end(ring, { server: Verdict.NO_SERVER, connectMs: -1, end: "noServer" });
  sink.drain();
  assert.deepEqual(logger.messages, ["wlc: TCP 192.0.2.1:80 - no destination available"]);
  nowMs = 10_000;
  sink.drain();
  assert.equal(logger.messages[1], "wlc: TCP 192.0.2.1:80 - no destination available (4 more)");
});

test("the end tells what was held back", () => {
  const sink = sinkOf();
  for (let i = 0; i < 2; i++) end(ring, { server: Verdict.NO_SERVER, connectMs: -1, end: "noServer" });
  sink.finish();
  assert.equal(logger.messages.at(-1), "wlc: TCP 192.0.2.1:80 - no destination available (1 more)");
});

test("a connection that met a deleted service is no reason to warn", () => {
  end(ring, { server: Verdict.NO_SERVICE, connectMs: -1, end: "noServer" });
  sinkOf().drain();
  assert.deepEqual(logger.messages, []);
});

test("limits and failures to connect are named with service, client or realserver", () => {
  end(ring, { server: Verdict.SERVICE_LIMIT, connectMs: -1, end: "serviceLimit" });
  end(ring, { server: Verdict.SOURCE_LIMIT, connectMs: -1, end: "sourceLimit" });
  end(ring, { server: 4, connectMs: -1, end: "connectFailed" });
  sinkOf().drain();
  assert.deepEqual(logger.messages, [
    "TCP 192.0.2.1:80: at its limit of connections, client reset",
    "TCP 192.0.2.1:80: 198.51.100.7 is at its limit of connections, client reset",
    "TCP 192.0.2.1:80: cannot connect to realserver 10.0.0.4:80, client reset",
  ]);
  assert.deepEqual(logger.records[2].fields, {
    reason: "connectFailed",
    service: "tcp://192.0.2.1:80",
    realserver: "10.0.0.4:80",
  });
});

test("bad PROXY headers, and clients that are no proxies, are named with service and client", () => {
  for (const reason of [
    "proxyHeaderMissing",
    "proxyHeaderInvalid",
    "proxyHeaderTimeout",
    "proxyRefused",
  ] as const) {
    end(ring, { server: Verdict.NO_SERVER, connectMs: -1, end: reason });
  }
  sinkOf().drain();
  assert.deepEqual(logger.messages, [
    "TCP 192.0.2.1:80: 198.51.100.7 sent no PROXY protocol header, client reset",
    "TCP 192.0.2.1:80: 198.51.100.7 sent a broken PROXY protocol header, client reset",
    "TCP 192.0.2.1:80: 198.51.100.7 sent no whole PROXY protocol header in time, client reset",
    "TCP 192.0.2.1:80: 198.51.100.7 is no trusted proxy, client reset",
  ]);
});

test("services and realservers are warned of apart", () => {
  for (const service of [1, 2]) {
    for (const server of [4, 5]) end(ring, { service, server, connectMs: -1, end: "connectFailed" });
  }
  sinkOf().drain();
  assert.equal(new Set(logger.messages).size, 4);
});

test("dropped records of the access log are warned of with their number", () =>
  withTemporaryFolder(async (folder) => {
    const file = join(folder, "fifo");
    execFileSync("mkfifo", [file]);
    const accessLog = new AccessLog({ file, maxWaiting: 1 });
    end(ring, {});
    end(ring, {});
    sinkOf({ accessLog }).drain();
    await accessLog.close(0);
    assert.deepEqual(logger.messages, ["access log: 2 records dropped, the disk or reader is too slow"]);
  }));

test("an access log that cannot be written is warned of with the errno", async () => {
  const accessLog = new AccessLog({ file: "/dev/full" });
  const sink = sinkOf({ accessLog });
  end(ring, {});
  sink.drain();
  await waitFor("the failure is known", () => accessLog.failure !== undefined);
  sink.drain();
  await accessLog.close(0);
  assert.match(logger.messages[0], /^access log: write ENOSPC;/);
});
