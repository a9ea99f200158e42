/** What a director finds missing where it starts: a package, a right, a readable file, a path that a socket can have. */
import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startNamed, yamlList } from "../helpers/named-realserver.js";
import { connectTo, loopbackAddress, receiveExactly } from "../helpers/tcp.js";
import { Uvsd } from "../helpers/uvsd.js";

const SOURCES = fileURLToPath(new URL("../../src", import.meta.url));
const isRoot = process.getuid?.() === 0;
/** In front of uvsd's command line: its folder is given to `nobody`, who runs it. `$4` is the configuration file. */
const asNobody = (preparation = ""): readonly string[] => [
  "sh",
  "-c",
  `chown -R nobody "$(dirname "$4")" && ${preparation} exec setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"`,
  "sh",
];

/** uvs as it would be installed without koffi. @returns the path of its uvsd */
async function copyWithoutKoffi(t: TestContext): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), "uvs-without-koffi-"));
  t.after(() => rm(copy, { recursive: true, force: true }));
  const [root] = createRequire(import.meta.url)
    .resolve("koffi")
    .split("/node_modules/koffi/");
  const packages = join(root, "node_modules");
  await mkdir(join(copy, "node_modules"));
  for (const name of await readdir(packages)) {
    if (!/^(koffi|@koromix|\..*)$/.test(name))
      await symlink(join(packages, name), join(copy, "node_modules", name));
  }
  await cp(join(root, "package.json"), join(copy, "package.json"));
  await cp(SOURCES, join(copy, "dist", "src"), { recursive: true });
  return join(copy, "dist", "src", "bin", "uvsd.js");
}

for (const asked of ["auto", "native"]) {
  test(`without koffi a director with dataplane: ${asked} says why it is net, and serves`, async (t) => {
    const { address, port } = await startNamed(t, "live");
    const vip = loopbackAddress();
    const uvsd = await Uvsd.start(t, {
      env: { UVSD: await copyWithoutKoffi(t) },
      prefix: ["sh", "-c", 'node=$1; shift 2; exec "$node" "$UVSD" "$@"', "sh"],
      config: `dataplane: ${asked}
services: [ { listen: "tcp://${vip}:8080", realservers: ${yamlList([{ address, port }])} } ]
`,
    });
    assert.match(uvsd.output, /package koffi, which cannot be loaded: Cannot find module/);
    assert.equal((await uvsd.client.status()).forwarders[0].dataplane, "net");
    const client = await connectTo({ address: vip, port: 8080 });
    assert.equal((await receiveExactly(client, 4)).toString(), "live");
    client.end();
  });
}

test("a configuration file that may not be read", { skip: !isRoot && "needs root" }, async (t) => {
  const uvsd = await Uvsd.launch(t, { prefix: asNobody('chmod 000 "$4" &&') });
  assert.equal(await uvsd.exited(), 1);
  assert.match(uvsd.output, /uvs\.yaml: cannot be read by user id \d+ \(EACCES\); allow it/);
});

for (const dataplane of ["native", "net"]) {
  test(`a port below 1024 without the right (${dataplane})`, { skip: !isRoot && "needs root" }, async (t) => {
    const vip = loopbackAddress();
    const uvsd = await Uvsd.launch(t, {
      prefix: asNobody(),
      config: `dataplane: ${dataplane}
services: [ { listen: "tcp://${vip}:80", realservers: [ "127.0.0.1:9" ] } ]
`,
    });
    assert.equal(await uvsd.exited(), 1);
    assert.ok(uvsd.output.includes(`${vip}:80`), uvsd.output);
    assert.match(uvsd.output, /CAP_NET_BIND_SERVICE/);
  });
}

test("a user without rights serves ports above 1023", { skip: !isRoot && "needs root" }, async (t) => {
  const vip = loopbackAddress();
  const list = yamlList([await startNamed(t, "live")]);
  await Uvsd.start(t, {
    prefix: asNobody(),
    config: `services: [ { listen: "tcp://${vip}:8080", realservers: ${list} } ]\n`,
  });
  const client = await connectTo({ address: vip, port: 8080 });
  assert.equal((await receiveExactly(client, 4)).toString(), "live");
  client.end();
});

test("a path that is too long for a control socket", async (t) => {
  const path = `/tmp/${"long".repeat(30)}/uvsd.sock`;
  const uvsd = await Uvsd.launch(t, {
    env: { LONG: path },
    prefix: ["sh", "-c", 'exec "$1" "$2" "$3" "$4" --socket "$LONG"', "sh"],
  });
  assert.equal(await uvsd.exited(), 1);
  assert.match(uvsd.output, new RegExp(`${path.length}.*bytes.*at most \\d+`));
});
