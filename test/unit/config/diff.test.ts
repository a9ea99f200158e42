import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Config } from "../../../src/config/config.js";
import { type ConfigChange, describeChange, diffConfigs } from "../../../src/config/diff.js";
import { parseConfig } from "../../../src/config/load.js";
import { realserverKey, serviceKey, type VirtualService } from "../../../src/core/model.js";
import { configs } from "./arbitraries.js";

const parse = (...lines: string[]): Config =>
  parseConfig(lines.join("\n"), "uvs.yaml", { schedulers: ["rr", "wlc"] });

/** What a diff says, in words. */
const changesOf = (old: Config, next: Config): string[] => diffConfigs(old, next).map(describeChange);

test("equal configurations differ in nothing, also where realservers stand in another order", () => {
  const one = parse("services:", "  - listen: tcp://10.0.0.1:80", "    realservers: [10.0.0.2, 10.0.0.3]");
  const other = parse("services:", "  - listen: tcp://10.0.0.1:80", "    realservers: [10.0.0.3, 10.0.0.2]");
  assert.deepEqual(diffConfigs(one, structuredClone(one)), []);
  assert.deepEqual(diffConfigs(one, other), []);
});

test("services are deleted first and added last, realservers added before others are changed and deleted", () => {
  const old = parse(
    "services:",
    "  - listen: tcp://10.0.0.1:80",
    "    realservers: [10.0.0.2, 10.0.0.3, 10.0.0.4]",
    "  - listen: tcp://10.0.0.1:81",
  );
  const next = parse(
    "services:",
    "  - listen: tcp://10.0.0.1:82",
    "    realservers: [10.0.0.2]",
    "  - listen: tcp://10.0.0.1:80",
    "    scheduler: rr",
    "    realservers: [10.0.0.2, { address: 10.0.0.3, weight: 0 }, 10.0.0.5]",
    "timeouts: { tcp: 60s }",
    "shutdown: { grace: 5s }",
  );
  assert.deepEqual(changesOf(old, next), [
    "tcp://10.0.0.1:81: service deleted",
    "tcp://10.0.0.1:80: settings changed",
    "tcp://10.0.0.1:80: realserver 10.0.0.5:80 added",
    "tcp://10.0.0.1:80: realserver 10.0.0.3:80 changed",
    "tcp://10.0.0.1:80: realserver 10.0.0.4:80 deleted",
    "tcp://10.0.0.1:82: service added with 1 realservers",
    "timeouts: tcp 60 s, tcp-fin 120 s, udp 300 s",
    "shutdown.grace: 5000 ms",
  ]);
});

test("each setting that is read at the start only is reported by its key", () => {
  const next = parse(
    'control: { socket: other.sock, mode: "0600" }',
    "dataplane: net",
    "threads: 1",
    "limits: { connections: 1, flows: 1, services: 1, realservers: 1, templates: 1 }",
    "log: { level: debug, format: json }",
    "access-log: { file: stdout }",
  );
  const keys = diffConfigs(parse(), next).map((change) =>
    change.op === "restartNeeded" ? change.key : change.op,
  );
  assert.deepEqual(keys, [
    "control.socket",
    "control.mode",
    "dataplane",
    "threads",
    "limits.connections",
    "limits.flows",
    "limits.services",
    "limits.realservers",
    "limits.templates",
    "log.level",
    "log.format",
    "access-log",
  ]);
  assert.deepEqual(changesOf(parse("threads: 1"), parse("threads: 2")), [
    "threads: changed, takes effect when uvsd is started again",
  ]);
});

/** A director of which only the records exist; refuses what a director would refuse. */
class Records {
  readonly services = new Map<string, VirtualService>();
  constructor(services: readonly VirtualService[]) {
    for (const service of services) this.services.set(serviceKey(service.id), service);
  }

  apply(change: ConfigChange): void {
    switch (change.op) {
      case "addService":
        assert.ok(!this.services.has(serviceKey(change.service.id)));
        this.services.set(serviceKey(change.service.id), change.service);
        return;
      case "deleteService":
        assert.ok(this.services.delete(serviceKey(change.id)));
        return;
      case "editService":
        this.update(change.id, (service) => ({ ...service, settings: change.settings }));
        return;
      case "addRealserver":
      case "editRealserver":
      case "deleteRealserver":
        this.update(change.id, (service) => {
          const key = realserverKey(change.server);
          const others = service.realservers.filter((server) => realserverKey(server) !== key);
          assert.equal(
            others.length < service.realservers.length,
            change.op !== "addRealserver",
            describeChange(change),
          );
          return {
            ...service,
            realservers: change.op === "deleteRealserver" ? others : [...others, change.server],
          };
        });
    }
  }

  private update(id: VirtualService["id"], edit: (service: VirtualService) => VirtualService): void {
    const service = this.services.get(serviceKey(id));
    assert.ok(service);
    this.services.set(serviceKey(id), edit(service));
  }
}

/** Services as maps, since neither their order nor that of realservers is a difference. */
function byKey(services: Iterable<VirtualService>): object {
  return new Map(
    [...services].map((service) => [
      serviceKey(service.id),
      {
        ...service,
        realservers: new Map(service.realservers.map((server) => [realserverKey(server), server])),
      },
    ]),
  );
}

test("the changes between any two configurations, applied to the first, give the second", () => {
  fc.assert(
    fc.property(configs, configs, (old, next) => {
      const records = new Records(old.services);
      const changes = diffConfigs(old, next);
      for (const change of changes) records.apply(change);
      assert.deepEqual(byKey(records.services.values()), byKey(next.services));
      const timeouts = changes.find((change) => change.op === "setTimeouts")?.timeouts ?? old.timeouts;
      assert.deepEqual(timeouts, next.timeouts);
    }),
    { numRuns: 300 },
  );
});

test("nothing is left to do after the changes: a configuration differs from itself in nothing", () => {
  fc.assert(
    fc.property(configs, (config) => assert.deepEqual(diffConfigs(config, structuredClone(config)), [])),
  );
});
