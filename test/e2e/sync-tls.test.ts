/** Two directors whose link speaks TLS: real processes, forwarders and certificates, over loopback. */
import assert from "node:assert/strict";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { SyncTlsSettings } from "../../src/core/sync-settings.js";
import { Authority } from "../helpers/authority.js";
import { askAll, CLIENTS, connected, KEY, knows, NAMES, pair, SYNC_PORT } from "../helpers/sync-directors.js";
import { loopbackAddress } from "../helpers/tcp.js";
import { Uvsd } from "../helpers/uvsd.js";
import { waitFor } from "../helpers/wait-for.js";

/** The section, as it stands in a file. */
const section = ({ certificate, key, ca, names }: SyncTlsSettings): string =>
  `tls: { certificate: ${certificate}, key: ${key}, ca: ${ca}${names ? `, names: [ ${names} ]` : ""} }`;

const learnedNothing = async (uvsd: Uvsd): Promise<void> => {
  const { sync } = await uvsd.client.haStatus();
  assert.notEqual(sync?.sources[0].state, "connected");
  assert.deepEqual([sync?.sources[0].received, sync?.receivers], [0, []]);
  assert.deepEqual(await uvsd.client.templates({}), []);
};

const says = (uvsd: Uvsd, words: RegExp) =>
  waitFor(`${words}: ${uvsd.output}`, async () => {
    const { sync } = await uvsd.client.haStatus();
    return words.test(uvsd.output) && words.test(sync?.sources[0].lastFailure ?? "");
  });

describe("two directors whose link speaks TLS", () => {
  test("send a client to the same realserver, whoever has seen it first", async (t) => {
    const authority = new Authority(t);
    const { vips, start } = await pair(t);
    const a = await start(0, KEY, section({ ...authority.issue("lb0"), names: ["lb1"] }));
    const b = await start(1, KEY, section({ ...authority.issue("lb1"), names: ["lb0"] }));
    await connected(a, b);
    const before = await askAll(vips[0]);
    assert.deepEqual(new Set(before), new Set(NAMES));
    await knows(b, CLIENTS.length);
    assert.deepEqual(await askAll(vips[1]), before);
    assert.equal((await a.client.haStatus()).sync?.tls?.subject, "CN=lb0");
  });

  test("learn nothing from one another with certificates of different authorities, and say why", async (t) => {
    const { vips, start } = await pair(t);
    const a = await start(0, KEY, section(new Authority(t, "one").issue("lb0")));
    const b = await start(1, KEY, section(new Authority(t, "two").issue("lb1")));
    await askAll(vips[0]);
    await says(a, /the peer's certificate \(CN=lb1\) was not issued by an authority of ha\.sync\.tls\.ca/);
    await says(b, /the peer's certificate \(CN=lb0\) was not issued by an authority of ha\.sync\.tls\.ca/);
    await learnedNothing(b);
  });

  test("learn nothing where one of them speaks no TLS, and both say so", async (t) => {
    const { vips, start } = await pair(t);
    const a = await start(0, KEY, section(new Authority(t).issue("lb0")));
    const b = await start(1);
    await askAll(vips[0]);
    await says(a, /the peer does not speak TLS: it has no ha\.sync\.tls, as this director does/);
    await says(b, /the peer speaks TLS only: this director needs ha\.sync\.tls/);
    await learnedNothing(b);
  });

  test("exchange certificates with a reload, and refuse one whose files cannot be used", async (t) => {
    const [own, next] = [new Authority(t, "old"), new Authority(t, "new")];
    const { start } = await pair(t);
    const tls = [own.issue("lb0"), own.issue("lb1")] as const;
    const a = await start(0, KEY, section(tls[0]));
    const b = await start(1, KEY, section(tls[1]));
    await connected(a, b);
    assert.deepEqual((await a.client.reload()).changes, []);
    writeFileSync(tls[0].ca, "");
    await assert.rejects(
      a.client.reload(),
      /ha\.sync\.tls\.ca: .*old-ca\.pem has none, accepted is a certificate/,
    );
    for (const [i, uvsd] of [a, b].entries()) {
      const issued = next.issue(`lb${i}-next`);
      for (const file of ["certificate", "key", "ca"] as const) copyFileSync(issued[file], tls[i][file]);
      assert.deepEqual((await uvsd.client.reload()).changes, ["ha: sync: certificates exchanged"]);
    }
    assert.equal((await a.client.haStatus()).sync?.tls?.subject, "CN=lb0-next");
    // Those that are there go on; a director that starts anew comes in by the new ones.
    await connected(a, b);
    assert.equal(await b.stop(), 0);
    const again = await start(1, KEY, section(tls[1]));
    await connected(a, again);
  });

  test("are refused with the place in the file where a file is missing or another one's", async (t) => {
    const authority = new Authority(t);
    const tls = { ...authority.issue("lb0"), key: authority.issue("lb1").key, ca: "/no/such.pem" };
    const keyFile = join(authority.folder, "sync.key");
    writeFileSync(keyFile, KEY, { mode: 0o600 });
    const uvsd = await Uvsd.launch(t, {
      config: `ha:
  sync:
    listen: "${loopbackAddress()}:${SYNC_PORT}"
    peers: [ "127.0.0.1:1" ]
    key-file: ${keyFile}
    ${section(tls)}
`,
    });
    assert.equal(await uvsd.exited(), 1);
    assert.match(
      uvsd.output,
      /:6:\d+: ha\.sync\.tls\.key: .*lb1\.key is not the key of .*lb0\.pem \(CN=lb0\)/,
    );
    assert.match(uvsd.output, /:6:\d+: ha\.sync\.tls\.ca: \/no\/such\.pem does not exist \(ENOENT\)/);
  });
});
