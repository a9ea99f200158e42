import assert from "node:assert/strict";
import { chmod, mkdir, readdir, readFile, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import type { EditableState } from "../../../src/config/diff.js";
import { StateFile } from "../../../src/control/state-file.js";
import { UvsError } from "../../../src/core/errors.js";
import { DEFAULT_TIMEOUTS, type VirtualService } from "../../../src/core/model.js";
import { initialSysctls } from "../../../src/core/sysctls.js";
import { realserver, service } from "../../helpers/control-fixture.js";
import { RecordingLogger } from "../../helpers/recording-logger.js";
import { temporaryDirectory } from "../../helpers/temporary-folder.js";
import { waitFor } from "../../helpers/wait-for.js";
import { configs } from "../config/arbitraries.js";

const accept = (): void => undefined;

function state(...services: VirtualService[]): EditableState {
  return { services, timeouts: DEFAULT_TIMEOUTS, sysctls: initialSysctls() };
}

const EMPTY = state();
const WITH_WEB = state(service({ realservers: [realserver("10.0.0.2")] }));

/** A director's life: what it runs, what its file says. */
class Life {
  readonly logger = new RecordingLogger();
  readonly stateFile: StateFile;
  reads = 0;

  constructor(
    readonly directory: string,
    public running: EditableState,
    public file: EditableState = EMPTY,
  ) {
    this.stateFile = new StateFile({
      directory,
      logger: this.logger,
      writeDelayMs: 1,
      read: () => {
        this.reads++;
        return { running: this.running, file: this.file };
      },
    });
  }

  load(check = accept): Promise<EditableState> {
    return this.stateFile.load(this.file, check);
  }

  async save(): Promise<void> {
    await this.load();
    await this.stateFile.flush();
  }
}

async function newDirectory(t: TestContext): Promise<string> {
  return join(temporaryDirectory(t), "state");
}

/** A directory in which a director has kept WITH_WEB, started with an empty file. */
async function kept(t: TestContext): Promise<string> {
  const directory = await newDirectory(t);
  await new Life(directory, WITH_WEB).save();
  return directory;
}

test("without kept edits a director starts with its configuration file", async (t) => {
  assert.equal(await new Life(await newDirectory(t), EMPTY, WITH_WEB).load(), WITH_WEB);
});

test("edits are there after a restart, in a file and directory for their owner alone", async (t) => {
  const directory = await kept(t);
  assert.equal((await stat(directory)).mode & 0o777, 0o700);
  assert.equal((await stat(join(directory, "edits.json"))).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(directory), ["edits.json"]);
  assert.deepEqual(await new Life(directory, EMPTY).load(), WITH_WEB);
});

test("any state is kept as it is", async (t) => {
  const directory = await newDirectory(t);
  await fc.assert(
    fc.asyncProperty(configs, configs, async (running, file) => {
      await new Life(directory, running, file).save();
      const { services, timeouts, sysctls } = running;
      assert.deepEqual(await new Life(directory, EMPTY, file).load(), { services, timeouts, sysctls });
    }),
    { numRuns: 20 },
  );
});

test("what has changed in the configuration file since goes on top of the edits", async (t) => {
  const directory = await newDirectory(t);
  const before = state(service({ realservers: [realserver("10.0.0.2"), realserver("10.0.0.3")] }));
  const edited = state(
    service({ realservers: [{ ...realserver("10.0.0.2"), weight: 7 }, realserver("10.0.0.9")] }),
  );
  await new Life(directory, edited, before).save();
  const after = {
    ...state(
      service({ realservers: [realserver("10.0.0.2"), realserver("10.0.0.3"), realserver("10.0.0.4")] }),
    ),
    timeouts: { ...DEFAULT_TIMEOUTS, tcpSec: 60 },
  };
  const loaded = await new Life(directory, EMPTY, after).load();
  assert.deepEqual(loaded, {
    ...state(
      service({
        realservers: [
          { ...realserver("10.0.0.2"), weight: 7 },
          realserver("10.0.0.9"),
          realserver("10.0.0.4"),
        ],
      }),
    ),
    timeouts: { ...DEFAULT_TIMEOUTS, tcpSec: 60 },
  });
});

test("edits win over a configuration file that has not changed", async (t) => {
  const directory = await newDirectory(t);
  await new Life(directory, EMPTY, WITH_WEB).save();
  assert.deepEqual(await new Life(directory, EMPTY, WITH_WEB).load(), EMPTY);
});

test("a file cut off anywhere is set aside whole, and the director starts with its configuration file", async (t) => {
  const directory = await kept(t);
  const path = join(directory, "edits.json");
  const text = await readFile(path, "utf8");
  for (let length = 0; length < text.length - 1; length += 97) {
    await writeFile(path, text);
    await truncate(path, length);
    const life = new Life(directory, EMPTY);
    assert.equal(await life.load(), life.file, `${length} bytes`);
    const [{ level, message, fields }] = life.logger.records;
    assert.equal(level, "error");
    assert.match(message, /^kept edits cannot be used: set aside/);
    assert.match(String(fields["setAside"]), /edits\.json\.corrupt-\d{8}T\d{6}Z(-\d+)?$/);
    assert.equal(await readFile(String(fields["setAside"]), "utf8"), text.slice(0, length));
    await assert.rejects(stat(path), { code: "ENOENT" });
  }
});

test("a file with one changed character is never half-read", async (t) => {
  const directory = await kept(t);
  const path = join(directory, "edits.json");
  const text = await readFile(path, "utf8");
  await fc.assert(
    fc.asyncProperty(fc.nat(text.length - 2), fc.string({ minLength: 1, maxLength: 1 }), async (at, char) => {
      fc.pre(text[at] !== char);
      await writeFile(path, text.slice(0, at) + char + text.slice(at + 1));
      const life = new Life(directory, EMPTY);
      const loaded = await life.load();
      if (loaded !== life.file) assert.deepEqual(loaded, WITH_WEB);
    }),
    { numRuns: 200 },
  );
});

test("edits that the director would refuse are set aside with the reason", async (t) => {
  const directory = await kept(t);
  const life = new Life(directory, EMPTY);
  const refuse = (): never => {
    throw new UvsError("UNSUPPORTED", "forwarding: found route");
  };
  assert.equal(await life.load(refuse), life.file);
  assert.deepEqual(
    life.logger.records.map(({ fields }) => fields["reason"]),
    ["forwarding: found route"],
  );
  assert.match((await readdir(directory))[0], /^edits\.json\.refused-/);
});

test("several changes in a row are one write, and a change that comes to nothing is none", async (t) => {
  const directory = await newDirectory(t);
  const life = new Life(directory, EMPTY);
  await life.load();
  for (let weight = 0; weight < 100; weight++) {
    life.running = state(service({ realservers: [{ ...realserver("10.0.0.2"), weight }] }));
    life.stateFile.changed();
  }
  const path = join(directory, "edits.json");
  await waitFor("the file is written", () =>
    stat(path).then(
      () => true,
      () => false,
    ),
  );
  assert.equal(life.reads, 1);
  const inode = (await stat(path)).ino;
  life.stateFile.changed();
  await life.stateFile.flush();
  assert.equal((await stat(path)).ino, inode);
  assert.deepEqual(await new Life(directory, EMPTY).load(), life.running);
});

test("what an interrupted write has left is replaced, and a link in its place is not followed", async (t) => {
  const directory = await newDirectory(t);
  await mkdir(directory);
  const victim = join(directory, "victim");
  await writeFile(victim, "precious");
  await symlink(victim, join(directory, "edits.json.tmp"));
  await new Life(directory, WITH_WEB).save();
  assert.equal(await readFile(victim, "utf8"), "precious");
  assert.deepEqual(await new Life(directory, EMPTY).load(), WITH_WEB);
});

test("a write that fails is told once and leaves the old file", async (t) => {
  const directory = await kept(t);
  const life = new Life(directory, WITH_WEB);
  await life.load();
  life.running = EMPTY;
  // A directory in the way fails for every user, root included.
  await mkdir(join(directory, "edits.json.tmp", "x"), { recursive: true });
  await life.stateFile.flush();
  await life.stateFile.flush();
  const failures = life.logger.records.filter(({ level }) => level === "error");
  assert.deepEqual(
    failures.map(({ message }) => message),
    ["live edits cannot be kept: make room or allow writing; it is tried again"],
  );
  assert.deepEqual(await new Life(directory, EMPTY).load(), WITH_WEB);
});

test("a directory that cannot be made is refused with what to do", async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, "file");
  await writeFile(file, "");
  await chmod(file, 0o600);
  await assert.rejects(new Life(join(file, "state"), EMPTY).load(), (error) => {
    assert.ok(error instanceof UvsError);
    assert.equal(error.code, "SYSCALL");
    assert.match(error.message, /^state: cannot make .*state \(mkdir: ENOTDIR\): .*name another directory$/);
    return true;
  });
});
