// Compressed and encrypted backups on the ways of the stock programs: ours taken apart member by
// member with mbstream, xbcrypt, zstd and lz4, and those of mariadb-backup taken by us.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

import { xbcrypt } from '../../src/cli/xbcrypt.ts';
import { findProgram } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runShell, runTool } from '../support/tool.ts';
import { createSchema } from '../support/workload.ts';
import { accessArgs } from './held-backup.ts';
import { proveSame } from './ways-back.ts';

const mainOf = (program: string): string =>
  fileURLToPath(new URL(`../../src/cli/${program}-main.js`, import.meta.url));
const [xbstreamMain, xbcryptMain] = [mainOf('xbstream'), mainOf('xbcrypt')];

const filesBelow = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(dir, name)).isFile())
    .toSorted();

/** Size and hash of every file. */
const contents = (dir: string): Map<string, string> =>
  new Map(
    filesBelow(dir).map((name) => {
      const bytes = readFileSync(join(dir, name));
      return [name, `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`];
    }),
  );

/** Runs a script with `$1...`, and fails with what it said. */
async function shell(script: string, ...args: string[]): Promise<void> {
  const { status, stderr } = await runShell(`set -e; ${script}`, ...args);
  assert.equal(status, 0, stderr.slice(-5000));
}

async function quietServer(): Promise<TestServer> {
  const source = await startServer({ name: 'source' });
  await createSchema(source, { megabytes: 1 });
  return source;
}

/** Decrypts a member with the options of a user, and takes the encrypted one away. */
async function decrypt(encrypted: string, keyFile: string): Promise<void> {
  const output = encrypted.replace(/\.xbcrypt$/u, '');
  const options = ['-d', '--encrypt-algo=AES256', `--encrypt-key-file=${keyFile}`];
  if (output.includes('ibdata1')) {
    // A process for one; for each of some two hundred it would take minutes.
    const script = 'in=$1 out=$2; shift 2; "$@" <"$in" >"$out"';
    await shell(script, encrypted, output, process.execPath, xbcryptMain, ...options);
  } else {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const streams = { stdin, stdout, stderr };
    const status = await xbcrypt([...options, '-i', encrypted, '-o', output], streams);
    assert.equal(status, 0, String(stderr.read()));
  }
  rmSync(encrypted);
}

describe('an encrypted and compressed backup', () => {
  let source: TestServer;
  let keyFile = '';
  before(async () => {
    source = await quietServer();
    keyFile = join(scratchDir('key'), 'key');
    writeFileSync(keyFile, 'percona_xtrabackup_is_awesome___');
  });

  for (const [codec, suffix, options] of [
    ['zstd', '.zst', '-d -q --rm'],
    ['lz4', '.lz4', '-d -q --rm -m'],
  ] as const) {
    it(`comes apart with mbstream, xbcrypt and ${codec} to what xbpipe extract makes of it`, async () => {
      const dir = scratchDir('stock');
      const [archive, stock, ours] = [join(dir, 'archive'), join(dir, 'stock'), join(dir, 'ours')];
      const encoding = [`--compress=${codec}`, '--encrypt=AES256', `--encrypt-key-file=${keyFile}`];
      const backup = [...accessArgs(source), ...encoding];
      await shell('out=$1; shift; xbpipe backup "$@" >"$out"', archive, ...backup);
      assertDone(
        await runTool([
          'extract',
          '--from',
          archive,
          '-C',
          ours,
          '--decompress',
          '--decrypt=AES256',
          `--encrypt-key-file=${keyFile}`,
        ]),
      );

      mkdirSync(stock);
      await shell('"$1" -x -C "$2" <"$3"', findProgram('mbstream'), stock, archive);
      const members = filesBelow(stock);
      const plain = members.filter((name) => !name.endsWith('.xbcrypt'));
      const always = ['xbpipe_begin.json', 'xbpipe_end.json', 'xtrabackup_checkpoints'];
      assert.deepEqual(plain, always, 'all else is encrypted');
      assert.ok(members.includes(`ibdata1${suffix}.xbcrypt`));
      for (const name of members.filter((name) => !plain.includes(name))) {
        await decrypt(join(stock, name), keyFile);
      }
      const compressed = filesBelow(stock).filter((name) => name.endsWith(suffix));
      assert.ok(compressed.length > 50, compressed.join(' '));
      const program = [findProgram(codec), ...options.split(' ')];
      await shell('cd "$1"; shift; "$@"', stock, ...program, ...compressed);
      assert.deepEqual(contents(stock), contents(ours));
    });
  }
});

describe('a backup that mariadb-backup has compressed', () => {
  it('comes back equal through xbpipe extract and through xbstream -x', async () => {
    const source = await quietServer();
    const dir = scratchDir('qpress');
    const archive = join(dir, 'archive');
    await shell(
      '"$1" --no-defaults --backup --compress --stream=xbstream --user=root --socket="$2" ' +
        '--datadir="$3" --target-dir="$4" >"$5"',
      findProgram('mariadb-backup'),
      source.socket,
      source.datadir,
      join(dir, 'tmp'),
      archive,
    );
    const [byXbpipe, byXbstream] = [join(dir, 'one'), join(dir, 'two')];
    await shell('xbpipe extract --decompress -C "$1" <"$2"', byXbpipe, archive);
    mkdirSync(byXbstream);
    await shell(
      '"$1" "$2" -x --decompress --parallel=2 -C "$3" <"$4"',
      process.execPath,
      xbstreamMain,
      byXbstream,
      archive,
    );
    const files = contents(byXbpipe);
    assert.ok(files.has('ibdata1') && files.has('ib_logfile0'));
    assert.deepEqual(
      [...files.keys()].filter((name) => name.endsWith('.qp')),
      [],
    );
    assert.deepEqual(contents(byXbstream), files);
    rmSync(archive);
    for (const datadir of [byXbpipe, byXbstream]) {
      const prepare = '"$1" --no-defaults --prepare --target-dir="$2"';
      await shell(prepare, findProgram('mariadb-backup'), datadir);
      await proveSame(source, datadir, { replay: false });
    }
  });
});
