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
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { xbstream } from '../../src/cli/xbstream.ts';
import { findProgram } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';

const program = fileURLToPath(new URL('../../src/cli/xbstream-main.js', import.meta.url));
const mbstream = findProgram('mbstream');
const mebibyte = 1024 * 1024;

interface Result {
  status: number;
  archive: Buffer;
  stdout: string;
  stderr: string;
}

/** Runs the program in this process; `pieces` come in on standard input one by one. */
async function run(args: string[], ...pieces: Uint8Array[]): Promise<Result> {
  const archive: Buffer[] = [];
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const status = await xbstream(args, {
    openInput: () => ({
      name: 'standard input',
      bytes: (async function* () {
        for (const piece of pieces) yield await Promise.resolve(piece);
      })(),
    }),
    openOutput: () => ({
      name: 'standard output',
      write: (buffers) => {
        // The buffers are used again after this.
        archive.push(...buffers.map((bytes) => Buffer.from(bytes)));
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
      abort: () => Promise.resolve(),
    }),
    stdout,
    stderr,
  });
  const says = (stream: PassThrough): string => ((stream.read() as Buffer | null) ?? '').toString();
  return { status, archive: Buffer.concat(archive), stdout: says(stdout), stderr: says(stderr) };
}

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

const sizes = { empty: 0, 'db/one': 1, 'db/full': 10 * mebibyte, 'db/more': 10 * mebibyte + 1 };
const sample = (): string =>
  folderOf(
    Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, randomBytes(size)])),
  );
const small = (): string => folderOf({ 'db/a b': 'one', 'db/ü.ibd': 'two', c: 'three' });

const mbstreamCreates = (dir: string, names: string[]): Buffer =>
  execFileSync(mbstream, ['-c', ...names], { cwd: dir, maxBuffer: 64 * mebibyte });

describe('xbstream -c', () => {
  it('writes the bytes that mbstream -c writes, whatever the size of the file', async () => {
    const dir = sample();
    const names = Object.keys(sizes);
    const { status, archive, stderr } = await run(['-c', '-C', dir, ...names]);
    assert.deepEqual([status, stderr], [0, '']);
    const reference = mbstreamCreates(dir, names);
    assert.equal(archive.length, reference.length);
    assert.ok(archive.equals(reference));
  });

  it('writes what mbstream -x takes out', async () => {
    const dir = sample();
    const { archive } = await run(['-cC', dir, ...Object.keys(sizes)]);
    const out = scratchDir('out');
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
    assert.ok(stderr.endsWith(`xbstream: ${dir.slice(1)}/c\nxbstream: ${dir.slice(1)}/db/a b\n`));
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
      [[], 2, /-c needs the names of files/u],
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
    const lines = Object.keys(sizes).map((name) => `xbstream: ${name}\n`);
    assert.equal(stderr, lines.join(''));
  });

  it('accepts the ways of writing its options', async () => {
    const archive = mbstreamCreates(small(), ['c']);
    for (const args of [
      ['--extract', '--parallel=8', '--directory'],
      ['-xvC'],
      ['--EXTRACT', '--skip-decompress', '--decrypt=none', '--fifo-streams=1', '--directory'],
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
      assert.deepEqual(readdirSync(out), ['xbpipe-partial']);
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
      [[], /neither -c nor -x is given/u],
      [['-c', '-x'], /both -c and -x are given/u],
      [['-x', 'name'], /argument "name" is not wanted/u],
      [['-x', '-P'], /-P with -x/u],
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

  it('of XtraBackup that are still to come are refused, never passed over', async () => {
    for (const args of [
      ['--decompress'],
      ['--decompress-threads=2'],
      ['--decrypt=AES256'],
      ['-dAES128'],
      ['--encrypt-key=abc'],
      ['-kabc'],
      ['--encrypt-key-file=f'],
      ['--encrypt-threads=2'],
      ['--fifo-streams=2'],
      ['-f2'],
      ['--fifo-dir=d'],
      ['--fifo-timeout=9'],
    ]) {
      const out = scratchDir('out');
      const { status, stderr } = await run(['-x', '-C', out, ...args]);
      assert.equal(status, 2, args.join(' '));
      assert.match(stderr, /^xbstream: --[a-z-]+ is not supported by this version of xbstream$/mu);
      assert.match(stderr, /^HINT: /mu);
      assert.deepEqual(readdirSync(out), []);
    }
  });

  it('are shown with the statuses, and the version', async () => {
    const help = await run(['-?']);
    assert.equal(help.status, 0);
    assert.match(help.stdout, /^ {2}-C, --directory=DIR +work there/mu);
    assert.match(help.stdout, /^ {2}-d, --decrypt=NAME +not in this version/mu);
    assert.match(help.stdout, /^ {2}30 {2}the archive is not whole$/mu);
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    assert.equal((await run(['-V'])).stdout, `xbstream ${version}\n`);
  });
});

describe('xbstream as a process', () => {
  it('works in a pipe with itself, in its own directory', () => {
    const dir = sample();
    const out = scratchDir('out');
    const script = 'set -o pipefail; "$0" "$1" -c empty db/* | (cd "$2" && "$0" "$1" -x)';
    const { status, stderr } = spawnSync('bash', ['-c', script, process.execPath, program, out], {
      cwd: dir,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.deepEqual(contents(out), contents(dir));
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
