import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findProgram } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { runXbstream as run } from './run-xbstream.ts';

const program = fileURLToPath(new URL('../../src/cli/xbstream-main.js', import.meta.url));
const mbstream = findProgram('mbstream');
const mebibyte = 1024 * 1024;

/** Files below `dir`, with the hash of their bytes. */
function contents(dir: string): Record<string, string> {
  const found: Record<string, string> = {};
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort(inOrder);
  for (const name of names.filter((name) => statSync(join(dir, name)).isFile())) {
    found[name] = createHash('sha256')
      .update(readFileSync(join(dir, name)))
      .digest('hex');
  }
  return found;
}

const inOrder = (a: string, b: string): number => Number(a > b) - Number(a < b);

/** A folder with these files. */
function folderOf(files: Record<string, Uint8Array | string>): string {
  const dir = scratchDir('files');
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), bytes);
  }
  return dir;
}

const sizes = {
  empty: 0,
  'db/one': 1,
  'db/full': 10 * mebibyte,
  'db/more': 10 * mebibyte + 1,
  'db/deep/large': 64 * mebibyte,
};
const sample = (): string =>
  folderOf(
    Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, randomBytes(size)])),
  );
const small = (): string => folderOf({ 'db/a b': 'one', 'db/ü.ibd': 'two', c: 'three' });

const mbstreamCreates = (dir: string, names: string[]): Buffer =>
  execFileSync(mbstream, ['-c', ...names], { cwd: dir, maxBuffer: 256 * mebibyte });

describe('xbstream -c', () => {
  it('writes the bytes that mbstream -c writes, and what mbstream -x takes out', async () => {
    const dir = sample();
    const names = Object.keys(sizes);
    const { status, archive, stderr } = await run(['-c', '-C', dir, ...names]);
    assert.deepEqual([status, stderr], [0, '']);
    const reference = mbstreamCreates(dir, names);
    assert.equal(archive.length, reference.length);
    assert.ok(archive.equals(reference));
    const out = scratchDir('out');
    // It makes one missing folder, not one inside of another.
    mkdirSync(join(out, 'db'));
    execFileSync(mbstream, ['-x', '-C', out], { input: archive });
    assert.deepEqual(contents(out), contents(dir));
  });

  it('strips what leads out of the directory off a name, and says so', async () => {
    const dir = small();
    const { status, archive, stderr } = await run([
      '--create',
      '--verbose',
      join(dir, 'c'),
      `${dir}/db/a b`,
    ]);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /^xbstream: removing leading '\/' of \/.*\/c$/mu);
    assert.ok(stderr.endsWith(`\n${dir.slice(1)}/c\n${dir.slice(1)}/db/a b\n`));
    const out = scratchDir('out');
    assert.equal((await run(['-x', '-C', out], archive)).status, 0);
    assert.deepEqual(Object.keys(contents(out)), [`${dir.slice(1)}/c`, `${dir.slice(1)}/db/a b`]);
    const upwards = await run(['-c', '-C', join(dir, 'db'), '../db/../c']);
    assert.match(upwards.stderr, /removing leading '\.\.\/db\/\.\.\/' of \.\.\/db\/\.\.\/c/u);
    assert.equal(upwards.archive.subarray(14, 15).toString(), 'c');
  });

  it('keeps such a name with --absolute-names, as mbstream does', async () => {
    const dir = small();
    const names = [join(dir, 'c'), './c', 'db/../c'];
    const { status, archive, stderr } = await run(['-cPC', dir, ...names]);
    assert.deepEqual([status, stderr], [0, '']);
    assert.deepEqual(archive, mbstreamCreates(dir, names));
  });

  it('keeps ./ in front of a name', async () => {
    const dir = small();
    const { archive, stderr } = await run(['-c', '-C', dir, './c']);
    assert.equal(stderr, '');
    assert.deepEqual(archive, mbstreamCreates(dir, ['./c']));
  });

  it('takes a name of 511 bytes and refuses one of 512 before it writes anything', async () => {
    const dir = small();
    const folder = `${'d'.repeat(250)}/${'e'.repeat(250)}`;
    mkdirSync(join(dir, folder), { recursive: true });
    const fits = `${folder}/${'f'.repeat(510 - folder.length)}`;
    for (const name of [fits, `${fits}f`]) writeFileSync(join(dir, name), 'x');
    const { status, archive } = await run(['-c', '-C', dir, fits]);
    assert.equal(status, 0);
    const out = scratchDir('out');
    assert.equal((await run(['-x', '-C', out], archive)).status, 0);
    assert.deepEqual(Object.keys(contents(out)), [fits]);
    const refused = await run(['-c', '-C', dir, 'c', `${fits}f`]);
    assert.deepEqual([refused.status, refused.archive.length], [2, 0]);
    assert.match(refused.stderr, /512 bytes are over the limit 511/u);
  });

  it('refuses what could not come out again, and writes nothing', async () => {
    const dir = small();
    symlinkSync('c', join(dir, 'link'));
    for (const [args, status, message] of [
      [[], 2, /no files are specified/u],
      [['missing'], 20, /missing: no such file/u],
      [['c', 'missing'], 20, /missing: no such file/u],
      [['db'], 20, /db is not a regular file/u],
      [['c', 'c'], 2, /c would be in the archive twice/u],
      [['c', './db/../c'], 2, /c would be in the archive twice/u],
      [['db//a b'], 2, /"db\/\/a b" cannot be stored: the path has an empty component/u],
      [['..'], 2, /"\.\." cannot be stored: the path is empty/u],
    ] as const) {
      const result = await run(['-c', '-C', dir, ...args]);
      assert.equal(result.status, status, args.join(' '));
      assert.match(result.stderr, message);
      assert.equal(result.archive.length, 0);
    }
    const linked = await run(['-c', '-C', dir, 'link']);
    assert.equal(linked.status, 0);
    assert.ok(linked.archive.includes('three'));
  });
});

describe('xbstream -x', () => {
  it('takes out what mbstream -c writes, however it comes in', async () => {
    const dir = sample();
    const archive = mbstreamCreates(dir, Object.keys(sizes));
    const out = scratchDir('out');
    const half = Math.floor(archive.length / 2) - 3;
    const pieces = [archive.subarray(0, half), archive.subarray(half)];
    const { status, stderr } = await run(['-x', '-v', '-p4', '-C', out], ...pieces);
    assert.equal(status, 0, stderr);
    assert.deepEqual(contents(out), contents(dir));
    const lines = Object.keys(sizes).map((name) => `${name}\n`);
    assert.equal(stderr, lines.join(''));
  });

  it('accepts the ways of writing its options', async () => {
    const archive = mbstreamCreates(small(), ['c']);
    for (const args of [
      ['--extract', '--parallel=8', '--directory'],
      ['-xvC'],
      ['--EXTRACT', '--skip-decompress', '--decrypt=none', '-f1', '--directory'],
    ]) {
      const out = scratchDir('out');
      const { status, stderr } = await run([...args, out], archive);
      assert.equal(status, 0, stderr);
      assert.deepEqual(readdirSync(out), ['c']);
    }
  });

  it('fails at any damage, and shows nothing under its name', async () => {
    const archive = mbstreamCreates(small(), ['db/a b', 'c']);
    const flipped = Buffer.from(archive);
    flipped[archive.indexOf('three')] = 0;
    for (const [input, status, message] of [
      [archive.subarray(0, -15), 30, /ends while c is open/u],
      [archive.subarray(0, -1), 30, /at byte \d+/u],
      [Buffer.concat([archive, Buffer.alloc(20)]), 31, /magic/u],
      [Buffer.concat([archive, archive]), 31, /db\/a b at byte \d+ is there a second time/u],
      [flipped, 31, /crc/u],
      [Buffer.alloc(0), 30, /it is empty/u],
    ] as const) {
      const out = scratchDir('out');
      const { status: found, stderr } = await run(['-x', '-C', out], input);
      assert.equal(found, status, stderr);
      assert.match(stderr, message);
      assert.deepEqual(readdirSync(out), input.length === 0 ? [] : ['xbpipe-partial']);
    }
  });

  it('never writes outside of its directory and never replaces a file', async () => {
    const dir = small();
    for (const [args, message] of [
      [['/c'], /the path is absolute/u],
      [['../c'], /leaves its directory/u],
      [['db/../../c'], /leaves its directory/u],
    ] as const) {
      const name = args[0];
      const archive = execFileSync(process.execPath, ['-e', archiveScript, name]);
      const out = join(scratchDir('deep'), 'out');
      mkdirSync(out);
      const { status, stderr } = await run(['-x', '-C', out], archive);
      assert.equal(status, 31);
      assert.match(stderr, message);
      assert.equal(existsSync(join(out, '..', 'c')), false);
    }
    const archive = mbstreamCreates(dir, ['c']);
    const out = folderOf({ c: 'mine' });
    const { status, stderr } = await run(['-x', '-C', out], archive);
    assert.equal(status, 20);
    assert.match(stderr, /c exists; nothing is ever overwritten/u);
    assert.equal(readFileSync(join(out, 'c'), 'utf8'), 'mine');
  });
});

/** A lone end chunk of any name: the stock programs would not all write it. */
const archiveScript = `
const name = Buffer.from(process.argv[1]);
const length = Buffer.alloc(4);
length.writeUInt32LE(name.length);
process.stdout.write(Buffer.concat([Buffer.from('XBSTCK01\\0E'), length, name]));`;

describe('the options of xbstream', () => {
  it('are one of -c and -x, and what goes with it', async () => {
    for (const [args, message] of [
      [[], /either -c or -x must be specified/u],
      [['-c', '-x'], /both -c and -x are specified/u],
      [['-x', 'name'], /argument "name" is not wanted/u],
      [['-x', '-P'], /-P with -x: an archive could then write any file/u],
      [['-x', '-d', 'AES256'], /--decrypt=AES256 needs --encrypt-key-file/u],
      [['-x', '--fifo-streams=2'], /--fifo-streams needs --fifo-dir/u],
      [['-c', '--decompress', 'name'], /--decompress goes with -x/u],
      [['-c', '--encrypt-key=abc', 'name'], /--encrypt-key goes with -x/u],
      [['-c', '-f2', 'name'], /--fifo-streams goes with -x/u],
      [['-x', '--no-such'], /unknown option --no-such/u],
      [['-x', '-C'], /option -C needs a value/u],
    ] as const) {
      const { status, stderr } = await run([...args]);
      assert.equal(status, 2, args.join(' '));
      assert.match(stderr, message);
    }
    const missing = await run(['-x', '-C', join(scratchDir('out'), 'missing')]);
    assert.equal(missing.status, 20);
    assert.match(missing.stderr, /missing: no such file or directory/u);
  });

  it('are shown with the statuses, and the version', async () => {
    const help = await run(['-?']);
    assert.equal(help.status, 0);
    assert.match(help.stdout, /^ {2}-C, --directory=DIR +work there/mu);
    assert.match(help.stdout, /^ {2}-d, --decrypt=NAME +with -x, decrypt .*AES256/mu);
    assert.match(help.stdout, /^ {2}30 {2}the archive is not whole$/mu);
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    assert.equal((await run(['-V'])).stdout, `xbstream ${version}\n`);
  });
});

describe('xbstream as a process', () => {
  it('works in a pipe with itself, in its own directory', () => {
    const dir = sample();
    const out = scratchDir('out');
    const script =
      'set -o pipefail; main=$1 out=$2; shift 2; "$0" "$main" -c "$@" | (cd "$out" && "$0" "$main" -x)';
    const { status, stderr } = spawnSync(
      'bash',
      ['-c', script, process.execPath, program, out, ...Object.keys(sizes)],
      {
        cwd: dir,
        encoding: 'utf8',
      },
    );
    assert.equal(status, 0, stderr);
    assert.deepEqual(contents(out), contents(dir));
  });

  it('shows no key in the list of processes', async () => {
    const args = [program, '-x', '--decrypt=AES128', '--encrypt-key=0123456789abcdef'];
    const child = spawn(process.execPath, args, {
      cwd: scratchDir('out'),
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    // It has read its options by the time it warns of the key among them.
    const [warning] = (await once(child.stderr, 'data')) as [Buffer];
    const listed = readFileSync(`/proc/${child.pid}/cmdline`, 'latin1');
    child.stdin.end();
    assert.equal(listed.replaceAll('\0', ''), 'xbstream');
    assert.match(warning.toString(), /warning: others can see a key on the command line/u);
    assert.doesNotMatch(warning.toString(), /0123456789abcdef/u);
  });

  it('fails when its reader goes away', () => {
    const dir = folderOf({ big: Buffer.alloc(20 * mebibyte) });
    const script = `{ "$0" "$1" -c big; echo "status $?" >&2; } | head -c 1000 > /dev/null`;
    const { stderr } = spawnSync('sh', ['-c', script, process.execPath, program], {
      cwd: dir,
      encoding: 'utf8',
    });
    assert.match(stderr, /^xbstream: .*the reader of the pipe is gone \(EPIPE/u);
    assert.match(stderr, /\nstatus 20\n$/u);
  });

  it('stops reading after a failure though its writer goes on', async () => {
    const child = spawn(process.execPath, [program, '-x'], {
      cwd: scratchDir('out'),
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.stdin.on('error', () => undefined);
    // Standard input is never closed.
    child.stdin.write(Buffer.alloc(1000));
    const [status] = (await once(child, 'exit')) as [number];
    assert.equal(status, 31);
  });
});
