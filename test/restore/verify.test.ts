import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';

import { assertFailed, backupArgs } from '../story/faults-support.ts';
import { startOnSystemFiles } from '../story/several-system-files.ts';
import { serverOf } from '../story/ways-back.ts';
import { findProgram, leftOut, type Product, products } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer } from '../support/server.ts';
import { assertDone, runShell, runTool, type ToolResult } from '../support/tool.ts';
import { createSchema } from '../support/workload.ts';
import { edit, flip, linkedCopyOf as linkedMysqlCopyOf, pack, resize } from './mysql-support.ts';
import { lightCopyOf } from './prepare-support.ts';

const pageSize = 16_384;
const table = 'load_main/r_dynamic.ibd';

const verify = async (from: string, ...more: string[]): Promise<ToolResult> =>
  await runTool(['verify', '--no-defaults', '--json', `--from=${from}`, ...more]);

interface Backup {
  archive: string;
  files: string;
  encrypted: string;
  keyFile: string;
}

/** One quiet server, backed up plain and encrypted. */
async function takeBackups(product: Product): Promise<Backup> {
  const source = await startServer({ name: 'source', product });
  await createSchema(source, { megabytes: 3 });
  await source.query(`FLUSH TABLES load_main.r_dynamic FOR EXPORT`);
  await source.query('UNLOCK TABLES');
  const dir = scratchDir('backup');
  const [archive, files, encrypted, keyFile] = ['plain', 'files', 'secret', 'key'].map((name) =>
    join(dir, name),
  ) as [string, string, string, string];
  writeFileSync(keyFile, randomBytes(32));
  assertDone(await runTool(backupArgs(source, `--to=${archive}`)));
  const encode = ['--compress', '--encrypt=AES256', `--encrypt-key-file=${keyFile}`];
  assertDone(await runTool(backupArgs(source, `--to=${encrypted}`, ...encode)));
  assertDone(await runTool(['extract', '--no-defaults', `--from=${archive}`, '-C', files]));
  await source.stop();
  return { archive, files, encrypted, keyFile };
}

for (const product of products) {
  describe(`verify of a backup of ${product}`, { skip: leftOut(product) }, () => {
    let backup: Backup;
    before(async () => {
      backup = await takeBackups(product);
    });

    /** An archive that is whole, of files to which something was done before. */
    const packed = async (spoil: (directory: string) => void): Promise<string> => {
      const copy = product === 'mysql-9.7' ? linkedMysqlCopyOf : lightCopyOf;
      const directory = copy(backup.files);
      spoil(directory);
      return await pack(directory);
    };

    it('proves every page of it, and writes nothing', async () => {
      const { status, stderr } = await verify(backup.archive);
      assert.equal(status, 0, stderr);
      assert.match(stderr, /the archive is whole: \d{3} files, \d{3,} pages checked, none beyond/);
      assert.doesNotMatch(stderr, /not checked/);
    });

    it('reads it from a pipe as well', async () => {
      const archive = join(backup.archive, 'archive.xbs');
      assertDone(await runShell('xbpipe verify --no-defaults <"$1"', archive));
    });

    it('refuses what is not whole, wherever it was cut', async () => {
      const bytes = readFileSync(join(backup.archive, 'archive.xbs'));
      const cut = join(scratchDir('cut'), 'archive.xbs');
      for (const length of [bytes.length - 1, Math.floor(bytes.length / 2), 500]) {
        writeFileSync(cut, bytes.subarray(0, length));
        assertFailed(await verify(cut), 30, 'incomplete');
      }
    });

    for (const [what, spoil, message] of [
      [
        'a flipped bit in a page',
        (dir: string) => {
          flip(join(dir, table), 3 * pageSize + 500);
        },
        /r_dynamic\.ibd: page 3 at byte 49152: .*checksum/,
      ],
      [
        'a page in the place of another',
        (dir: string) => {
          edit(join(dir, table), (bytes) => {
            bytes.copyWithin(4 * pageSize, 3 * pageSize, 4 * pageSize);
          });
        },
        /r_dynamic\.ibd: page 4 at byte 65536: .*page number/,
      ],
      [
        'half a page at the end',
        (dir: string) => {
          const bytes = readFileSync(join(dir, table));
          rmSync(join(dir, table));
          writeFileSync(join(dir, table), bytes.subarray(0, -100));
        },
        /r_dynamic\.ibd: page \d+ at byte \d+: the file ends 16284 bytes into the page/,
      ],
      [
        'another end than its pages have',
        (dir: string) => {
          const [name = ''] = readdirSync(dir).filter((file) => file.endsWith('_checkpoints'));
          const text = readFileSync(join(dir, name), 'utf8');
          rmSync(join(dir, name));
          writeFileSync(join(dir, name), text.replace(/last_lsn = \d+/, 'last_lsn = 9000'));
        },
        /page \d+: LSN \d+ is beyond the backup's end, 9000/,
      ],
    ] as const) {
      it(`refuses ${what}, though the archive is whole`, async () => {
        const { message: told } = assertFailed(await verify(await packed(spoil)), 31, 'corrupt');
        assert.match(told ?? '', message);
      });
    }

    it('looks into an encrypted one with its key only, and says so', async () => {
      const closed = await verify(backup.encrypted);
      assert.equal(closed.status, 0, closed.stderr);
      assert.match(closed.stderr, /was not checked: no key is given/);
      assert.match(closed.stderr, /\d+ members are encrypted: without a key their pages were not/);
      const open = await verify(backup.encrypted, `--encrypt-key-file=${backup.keyFile}`);
      assert.equal(open.status, 0, open.stderr);
      assert.match(open.stderr, /was written by somebody who has the key/);
      assert.match(open.stderr, /\d{3,} pages checked/);
    });

    it('restores it for real when asked to, and leaves nothing', async () => {
      const tmpdir = scratchDir('drill');
      const args = ['--restore-drill', `--tmpdir=${tmpdir}`];
      const { status, stderr } = await verify(
        backup.encrypted,
        ...args,
        `--encrypt-key-file=${backup.keyFile}`,
        `--server-binary=${serverOf(product)}`,
      );
      assert.equal(status, 0, stderr);
      assert.match(stderr, /the server recovered to LSN \d+/);
      assert.doesNotMatch(stderr, /ready to be started on/);
      assert.deepEqual(readdirSync(tmpdir), []);
      const failed = await verify(backup.archive, ...args, '--server-binary=/bin/false');
      assertFailed(failed, 50, 'recovery');
      assert.deepEqual(readdirSync(tmpdir), []);
    });

    it('sends nobody to what a trial that failed has removed', async () => {
      const tmpdir = scratchDir('drill');
      const server = [`--server-binary=${serverOf(product)}`, '--server-arg=--no-such-option'];
      const args = ['--restore-drill', `--tmpdir=${tmpdir}`, ...server];
      const failed = await verify(backup.archive, ...args);
      assertFailed(failed, 50, 'recovery');
      assert.match(failed.stderr, /the archive is whole/);
      assert.doesNotMatch(failed.stderr, /what arrived is left/);
      assert.deepEqual(readdirSync(tmpdir), []);
    });
  });
}

for (const product of ['mariadb-10.11', 'mysql-9.7'] as const) {
  const what = `verify of a system tablespace of several files on ${product}`;
  describe(what, { skip: leftOut(product) }, () => {
    let archive: string;
    let files: string;
    before(async () => {
      const { source } = await startOnSystemFiles(product, [
        'ibdata1:12M',
        'ibdata2:8M',
        'ibdata3:4M',
        'more4:4M:autoextend',
      ]);
      const dir = scratchDir('backup');
      [archive, files] = [join(dir, 'archive'), join(dir, 'files')];
      assertDone(await runTool(backupArgs(source, `--to=${archive}`)));
      assertDone(await runTool(['extract', '--no-defaults', `--from=${archive}`, '-C', files]));
      await source.stop();
    });

    it('goes on with their pages from file to file, and says which it does not know', async () => {
      const { status, stderr } = await verify(archive);
      assert.equal(status, 0, stderr);
      assert.match(stderr, /the pages of more4 \(system tablespace\) were not checked/);
    });

    for (const blankPages of [0, 2]) {
      it(`finds a flipped bit in a later one that begins with ${blankPages} blank pages`, async () => {
        const copy = lightCopyOf(files);
        edit(join(copy, 'ibdata2'), (bytes) => bytes.fill(0, 0, blankPages * pageSize));
        const blank = await verify(await pack(copy));
        assert.equal(blank.status, 0, blank.stderr);
        flip(join(copy, 'ibdata2'), 300 * pageSize + 500);
        const { message } = assertFailed(await verify(await pack(copy)), 31, 'corrupt');
        assert.match(message ?? '', /^ibdata2: page 300 at byte 4915200: .*checksum/);
      });
    }

    it('finds half a page at its end', async () => {
      const copy = lightCopyOf(files);
      resize(join(copy, 'ibdata3'), -100);
      const { message } = assertFailed(await verify(await pack(copy)), 31, 'corrupt');
      assert.match(message ?? '', /^ibdata3: page 255 .* ends 16284 bytes into the page/);
    });

    // MariaDB's own old pages have other numbers there, and no check can tell.
    it('finds a page in the place of another', { skip: product !== 'mysql-9.7' }, async () => {
      const copy = lightCopyOf(files);
      edit(join(copy, 'ibdata2'), (bytes) => {
        bytes.copyWithin(301 * pageSize, 300 * pageSize, 301 * pageSize);
      });
      const { message } = assertFailed(await verify(await pack(copy)), 31, 'corrupt');
      assert.match(message ?? '', /^ibdata2: page 301 .*page number 1068, expected 1069/);
    });
  });
}

describe('with the wrong key', () => {
  it('verify, extract, restore and guard end with status 32 before anything is written', async () => {
    const { encrypted, keyFile } = await takeBackups('mariadb-10.11');
    writeFileSync(keyFile, randomBytes(32));
    const key = `--encrypt-key-file=${keyFile}`;
    assertFailed(await verify(encrypted, key), 32, 'wrong-key');
    const [into, datadir] = [scratchDir('into'), scratchDir('data')];
    const from = ['--no-defaults', '--json', `--from=${encrypted}`, key];
    for (const args of [
      ['extract', ...from, '-C', into],
      ['extract', ...from, '-C', into, '--decompress', '--decrypt'],
      ['restore', ...from, `--datadir=${datadir}`],
    ]) {
      assertFailed(await runTool(args), 32, 'wrong-key');
    }
    assert.deepEqual([readdirSync(into), readdirSync(datadir)], [[], []]);
    const guard = 'xbpipe guard --no-defaults --json "$1" <"$2" >/dev/null';
    const archive = join(encrypted, 'archive.xbs');
    assertFailed(await runShell(guard, key, archive), 32, 'wrong-key');
  });
});

describe('without a key', () => {
  it('a restore of an encrypted backup ends with status 2 before anything is written', async () => {
    const { encrypted } = await takeBackups('mariadb-10.11');
    const datadir = scratchDir('data');
    const args = ['restore', '--no-defaults', '--json', `--from=${encrypted}`];
    const { message } = assertFailed(await runTool([...args, `--datadir=${datadir}`]), 2, 'usage');
    assert.match(message ?? '', /the backup is encrypted with AES256 and no key is given/);
    assert.deepEqual(readdirSync(datadir), []);
  });
});

describe('verify of a backup by mariadb-backup', () => {
  it('proves its pages, and finds a damaged one', async () => {
    const source = await startServer({ name: 'source' });
    await createSchema(source, { megabytes: 2 });
    const archive = join(scratchDir('stock'), 'archive');
    const script =
      '"$1" --no-defaults --backup --stream=xbstream --user=root --socket="$2" --datadir="$3" ' +
      '--target-dir="$4" >"$5"';
    const tool = findProgram('mariadb-backup');
    const args = [tool, source.socket, source.datadir, scratchDir('tmp'), archive];
    assertDone(await runShell(script, ...args));
    const verified = await verify(archive);
    assert.equal(verified.status, 0, verified.stderr);
    assert.match(verified.stderr, /\d{3,} pages checked/);
    assert.doesNotMatch(verified.stderr, /not checked/);
    truncateSync(archive, readFileSync(archive).length - 20);
    assertFailed(await verify(archive), 30, 'incomplete');
  });
});
