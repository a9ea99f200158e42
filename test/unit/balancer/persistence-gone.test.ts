/** What a template is worth when its realserver is quiesced, full, deleted or does not answer: each with each sysctl. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Ending, Verdict } from "../../../src/core/dispatch.js";
import { TemplateBench } from "../../helpers/template-bench.js";

const CLIENT = "10.77.1.1";
const FIRST = "10.77.2.3";

/** A bench whose client has a template to FIRST and a connection there. */
function bound(quiescent = 0, nodest = 0) {
  const bench = new TemplateBench();
  bench.setSysctl("EXPIRE_QUIESCENT_TEMPLATE", quiescent);
  bench.setSysctl("EXPIRE_NODEST_CONN", nodest);
  const connection = bench.connect(CLIENT);
  assert.equal(bench.nameOf(connection), FIRST);
  return { bench, connection };
}

describe("a template whose realserver is", () => {
  for (const nodest of [0, 1]) {
    test(`quiesced holds with expire_quiescent_template 0 (expire_nodest_conn ${nodest})`, () => {
      const { bench } = bound(0, nodest);
      bench.editServer(FIRST, { weight: 0 });
      assert.equal(bench.choose(CLIENT), FIRST);
      assert.notEqual(bench.choose("10.77.1.2"), FIRST, "a new client goes elsewhere");
    });

    test(`quiesced does not hold with expire_quiescent_template 1 (expire_nodest_conn ${nodest})`, () => {
      const { bench, connection } = bound(1, nodest);
      bench.editServer(FIRST, { weight: 0 });
      assert.equal(bench.choose(CLIENT), "10.77.2.2");
      assert.deepEqual(bench.listed(), [`${CLIENT} -> 10.77.2.2 ASSURED`, `${CLIENT} -> ${FIRST} INVALID`]);
      assert.deepEqual(bench.persistent(), [0, 1, 1], "the former one counts for as long as it lasts");
      bench.editServer(FIRST, { weight: 1 });
      assert.equal(bench.choose(CLIENT), "10.77.2.2", "an invalid template does not come back");
      bench.close(connection);
      bench.passSeconds(361);
      assert.deepEqual(bench.listed(), [`${CLIENT} -> 10.77.2.2 ASSURED`]);
      assert.deepEqual(bench.persistent(), [0, 1, 0]);
    });

    for (const quiescent of [0, 1]) {
      test(`overloaded holds (sysctls ${quiescent} ${nodest}), as persist-thresh recorded`, () => {
        const { bench } = bound(quiescent, nodest);
        bench.editServer(FIRST, { upperThreshold: 1 });
        assert.equal(bench.choose(CLIENT), FIRST);
        bench.editServer("10.77.2.1", { weight: 0 });
        bench.editServer("10.77.2.2", { weight: 0 });
        assert.equal(bench.connect("10.77.1.9"), Verdict.NO_SERVER, "a new client is refused");
      });

      test(`deleted does not hold (sysctls ${quiescent} ${nodest})`, () => {
        const { bench } = bound(quiescent, nodest);
        bench.table.deleteServer(bench.id, { address: FIRST, port: 80 });
        assert.equal(bench.choose(CLIENT), "10.77.2.2");
        bench.addServer(FIRST);
        assert.equal(bench.choose(CLIENT), "10.77.2.2");
      });
    }
  }

  test("deleted and back before the client is holds again, and PersistConn comes back", () => {
    const { bench } = bound();
    bench.table.deleteServer(bench.id, { address: FIRST, port: 80 });
    bench.addServer(FIRST);
    assert.deepEqual(bench.persistent(), [0, 0, 1]);
    assert.equal(bench.choose(CLIENT), FIRST);
  });

  test("deleted keeps its slot for as long as templates lead there, then for the trash period", () => {
    const { bench, connection } = bound();
    const { slot } = bench.table.service(bench.id).servers.get(`${FIRST}:80`)!;
    bench.table.deleteServer(bench.id, { address: FIRST, port: 80 });
    bench.close(connection, Ending.RESET);
    for (let i = 0; i < 300; i++) bench.passSeconds(1);
    assert.notEqual(bench.table.serverAt(slot), undefined);
    for (let i = 0; i < 125; i++) bench.passSeconds(1);
    assert.equal(bench.table.serverAt(slot), undefined);
  });

  test("deleted with its service holds again once both are made anew", () => {
    const { bench } = bound();
    const { settings } = bench.table.service(bench.id);
    bench.table.deleteService(bench.id);
    bench.table.addService({ id: bench.id, settings, realservers: [] });
    for (const address of [FIRST, "10.77.2.1", "10.77.2.2"]) bench.addServer(address);
    assert.equal(bench.choose(CLIENT), FIRST);
  });

  test("removed with all its templates leaves nothing that matches, and open connections end in order", () => {
    const { bench, connection } = bound();
    const { slot } = bench.table.service(bench.id).servers.get(`${FIRST}:80`)!;
    assert.equal(bench.table.templates.removeServer(slot), 1);
    assert.deepEqual(bench.persistent(), [0, 0, 0]);
    assert.equal(bench.choose(CLIENT), "10.77.2.2");
    bench.close(connection);
    assert.deepEqual(bench.listed(), [`${CLIENT} -> 10.77.2.2 ASSURED`]);
    assert.equal(bench.table.templates.counts().count, 1, "the removed one's row is free again");
  });

  test("deleted forgets its closed connections at once with expire_nodest_conn 1 (persist-nodest1)", () => {
    const { bench, connection } = bound(0, 1);
    const server = bench.table.deleteServer(bench.id, { address: FIRST, port: 80 });
    bench.close(connection, Ending.RESET);
    assert.equal(bench.counts(server), "0/0");
  });
});

describe("a template whose realserver cannot be connected to", () => {
  function failing(bench: TemplateBench) {
    const first = bench.dispatch(CLIENT, bench.service);
    bench.dispatcher.request.token = bench.dispatcher.target.token;
    const tried = Int32Array.of(first, 0, 0, 0);
    return { first, tried };
  }

  for (const quiescent of [0, 1]) {
    for (const nodest of [0, 1]) {
      const sysctls = `sysctls ${quiescent} ${nodest}`;

      test(`is moved to the realserver that the connection is redispatched to (${sysctls})`, () => {
        const bench = new TemplateBench();
        bench.setSysctl("EXPIRE_QUIESCENT_TEMPLATE", quiescent);
        bench.setSysctl("EXPIRE_NODEST_CONN", nodest);
        const { tried } = failing(bench);
        const second = bench.dispatcher.redispatch(bench.service, tried, 0, 1);
        assert.equal(bench.nameOf(second), "10.77.2.2");
        assert.deepEqual(bench.listed(), [`${CLIENT} -> 10.77.2.2 NONE`]);
        assert.deepEqual(bench.persistent(), [0, 1, 0]);
        assert.equal(bench.choose(CLIENT), "10.77.2.2");
      });

      for (const [what, settings] of [
        ["quiesced", { weight: 0 }],
        ["overloaded", { upperThreshold: 1 }],
      ] as const) {
        test(`of one that is ${what} ends at whoever can be connected to (${sysctls})`, () => {
          const { bench } = bound(quiescent, nodest);
          bench.editServer(FIRST, settings);
          const { first, tried } = failing(bench);
          const isHeld = what === "overloaded" || quiescent === 0;
          assert.equal(bench.nameOf(first) === FIRST, isHeld);
          const second = bench.dispatcher.redispatch(bench.service, tried, 0, 1);
          assert.ok(second >= 0 && second !== first && bench.nameOf(second) !== FIRST);
          assert.equal(bench.choose(CLIENT), bench.nameOf(second));
        });
      }
    }
  }

  test("is moved together with the client's other connections", () => {
    const bench = new TemplateBench();
    const held = bench.connect(CLIENT);
    const { tried } = failing(bench);
    bench.dispatcher.redispatch(bench.service, tried, 0, 1);
    assert.equal(bench.choose(CLIENT), "10.77.2.2");
    assert.equal(bench.nameOf(held), "10.77.2.3", "what is established stays");
    assert.equal(bench.rows()[0].open, 3);
  });

  test("that another connection of the client has moved already is followed", () => {
    const bench = new TemplateBench();
    const { tried } = failing(bench);
    const { token } = bench.dispatcher.request;
    const again = failing(bench);
    const moved = bench.dispatcher.redispatch(bench.service, again.tried, 0, 1);
    bench.dispatcher.request.token = token;
    assert.equal(bench.dispatcher.redispatch(bench.service, tried, 0, 1), moved);
  });

  test("is removed when nobody can be connected to, and was never assured", () => {
    const bench = new TemplateBench({ servers: 1 });
    const { tried } = failing(bench);
    assert.equal(bench.dispatcher.redispatch(bench.service, tried, 0, 1), Verdict.NO_SERVER);
    assert.deepEqual(bench.rows(), []);
    assert.equal(bench.table.templates.counts().count, 0);
  });

  test("is removed when the tries are used up, and was never assured", () => {
    const bench = new TemplateBench();
    const { settings } = bench.table.service(bench.id);
    bench.table.editService(bench.id, { ...settings, redispatch: 0 });
    const { tried } = failing(bench);
    assert.equal(bench.dispatcher.redispatch(bench.service, tried, 0, 1), Verdict.NO_SERVER);
    assert.deepEqual(bench.rows(), []);
  });

  test("stays when nobody can be connected to now, but connections under it exist", () => {
    const bench = new TemplateBench({ servers: 1 });
    bench.connect(CLIENT);
    const { tried } = failing(bench);
    assert.equal(bench.dispatcher.redispatch(bench.service, tried, 0, 1), Verdict.NO_SERVER);
    assert.deepEqual(bench.listed(), [`${CLIENT} -> 10.77.2.1 ASSURED`]);
    assert.equal(bench.rows()[0].open, 1);
  });

  test("stays when the client gives up first", () => {
    const bench = new TemplateBench();
    const first = bench.dispatch(CLIENT, bench.service);
    bench.dispatcher.request.token = bench.dispatcher.target.token;
    bench.dispatcher.closed(bench.service, first, false, Ending.UNCONNECTED);
    assert.equal(bench.choose(CLIENT), "10.77.2.3");
  });
});
