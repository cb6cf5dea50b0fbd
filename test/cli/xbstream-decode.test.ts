import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { encodeChunks } from '../../formats/xbcrypt/index.ts';
import { assemble, rearranged, samples } from '../archive/support.ts';
import { findProgram } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { runXbstream } from './run-xbstream.ts';

const key = 'percona_xtrabackup_is_awesome___';
/** Bytes of an end chunk for the path. */
const endBytes = (path: string): number => 14 + path.length;

const zstd = (bytes: Uint8Array): Buffer =>
  execFileSync(findProgram('zstd'), ['-q', '-c'], { input: bytes });
const lz4 = (bytes: Uint8Array): Buffer =>
  execFileSync(findProgram('lz4'), ['-q', '-c'], { input: bytes });
const encrypted = (bytes: Uint8Array): Buffer =>
  Buffer.concat([...encodeChunks(bytes, Buffer.from(key))]);

/** An archive of mbstream's with these files, in this order. */
function archiveOf(files: Record<string, Uint8Array>): Buffer {
  const dir = scratchDir('files');
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), bytes);
  }
  return execFileSync(findProgram('mbstream'), ['-c', ...Object.keys(files)], { cwd: dir });
}

function keyFile(text = key): string {
  const path = join(scratchDir('key'), 'key');
  writeFileSync(path, text);
  return path;
}

const namesIn = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .toSorted();

/** Extracts into a new folder. */
async function extracted(
  archive: Uint8Array,
  ...args: string[]
): Promise<{ status: number; stderr: string; out: string }> {
  const out = scratchDir('out');
  const { status, stderr } = await runXbstream(['-x', '-C', out, ...args], archive);
  return { status, stderr, out };
}

const rows = randomBytes(300_000);
const text = Buffer.from('hello, hello, hello\n'.repeat(1000));

/** One member of each kind. */
const mixed = (): Buffer =>
  archiveOf({
    'db/z.ibd.zst.xbcrypt': encrypted(zstd(rows)),
    'db/l.ibd.lz4.xbcrypt': encrypted(lz4(text)),
    'db/z.frm.zst': zstd(text),
    'db/l.frm.lz4': lz4(rows),
    'plain.xbcrypt': encrypted(rows),
    'empty.xbcrypt': new Uint8Array(0),
    'nothing.zst': zstd(new Uint8Array(0)),
    xtrabackup_checkpoints: text,
  });

describe('xbstream -x --decompress --decrypt', () => {
  it('brings members of every kind back as the files that they were', async () => {
    const { status, stderr, out } = await extracted(
      mixed(),
      '--decompress',
      '--decompress-threads=4',
      '--decrypt=AES256',
      '--encrypt-threads=4',
      '--parallel=4',
      `--encrypt-key-file=${keyFile()}`,
    );
    assert.deepEqual([status, stderr], [0, '']);
    const files: Record<string, Uint8Array> = {
      'db/l.frm': rows,
      'db/l.ibd': text,
      'db/z.frm': text,
      'db/z.ibd': rows,
      empty: new Uint8Array(0),
      nothing: new Uint8Array(0),
      plain: rows,
      xtrabackup_checkpoints: text,
    };
    assert.deepEqual(namesIn(out), Object.keys(files));
    for (const [name, bytes] of Object.entries(files)) {
      assert.ok(readFileSync(join(out, name)).equals(bytes), name);
    }
  });

  it('undoes only what it is told to', async () => {
    const archive = mixed();
    const decompressed = await extracted(archive, '--decompress');
    assert.equal(decompressed.status, 0, decompressed.stderr);
    assert.deepEqual(namesIn(decompressed.out), [
      'db/l.frm',
      'db/l.ibd.lz4.xbcrypt',
      'db/z.frm',
      'db/z.ibd.zst.xbcrypt',
      'empty.xbcrypt',
      'nothing',
      'plain.xbcrypt',
      'xtrabackup_checkpoints',
    ]);
    const decrypted = await extracted(archive, '-dAES256', '-k', key);
    assert.equal(decrypted.status, 0, decrypted.stderr);
    assert.match(decrypted.stderr, /^xbstream: warning: others can see a key on the command line/u);
    assert.deepEqual(namesIn(decrypted.out), [
      'db/l.frm.lz4',
      'db/l.ibd.lz4',
      'db/z.frm.zst',
      'db/z.ibd.zst',
      'empty',
      'nothing.zst',
      'plain',
      'xtrabackup_checkpoints',
    ]);
    assert.deepEqual(readFileSync(join(decrypted.out, 'db/z.ibd.zst')), zstd(rows));
  });

  it('says so when the key is of another length than the algorithm', async () => {
    const { status, stderr } = await extracted(mixed(), '--decrypt=aes128', '-k', key);
    assert.equal(status, 0);
    assert.match(stderr, /a key of 32 bytes means AES256, not AES128/u);
  });

  it('writes nothing with a wrong key', async () => {
    const wrong = keyFile(key.toUpperCase());
    const archive = archiveOf({ 'db/t.zst.xbcrypt': encrypted(zstd(rows)) });
    const args = ['--decrypt=AES256', `--encrypt-key-file=${wrong}`];
    for (const more of [[], ['--decompress'], ['--lenient']]) {
      const { status, stderr, out } = await extracted(archive, ...args, ...more);
      assert.equal(status, 32);
      assert.match(stderr, /db\/t\.zst\.xbcrypt: .*wrong key/u);
      assert.deepEqual(namesIn(out), []);
    }
  });

  it('refuses damage inside of a member whose chunks are sound', async () => {
    const bytes = encrypted(zstd(rows));
    bytes[200] = (bytes[200] ?? 0) ^ 1;
    const packed = zstd(rows);
    packed[packed.length - 1] = (packed.at(-1) ?? 0) ^ 1;
    for (const [member, content] of [
      ['t.zst.xbcrypt', bytes],
      ['t.zst', packed],
    ] as const) {
      for (const more of [[], ['--lenient']]) {
        const args = ['--decompress', '--decrypt=AES256', '-k', key, ...more];
        const { status, stderr, out } = await extracted(archiveOf({ [member]: content }), ...args);
        assert.equal(status, 31, stderr);
        assert.ok(stderr.includes(`xbstream: ${member}: `), stderr);
        assert.equal(existsSync(join(out, 't')), false);
      }
    }
  });
});

describe('an archive that stops too early', () => {
  const archive = (): Buffer => archiveOf({ 'db/one': text, 'db/two': rows });
  const cutAtEdge = (): Buffer => archive().subarray(0, -endBytes('db/two'));

  it('is refused, and extracted with a warning under --lenient', async () => {
    const strict = await extracted(cutAtEdge());
    assert.equal(strict.status, 30);
    assert.match(strict.stderr, /it ends while db\/two is open/u);
    assert.deepEqual(readdirSync(strict.out), ['xbpipe-partial']);
    const lenient = await extracted(cutAtEdge(), '--lenient', '-v');
    assert.equal(lenient.status, 0, lenient.stderr);
    assert.match(lenient.stderr, /warning: .*it ends while db\/two is open .*; taken as it is/u);
    assert.match(lenient.stderr, /^db\/one\n(.*\n)?db\/two$/mu);
    assert.ok(readFileSync(join(lenient.out, 'db/one')).equals(text));
    assert.ok(readFileSync(join(lenient.out, 'db/two')).equals(rows));
  });

  it('is refused in any case when it stops inside of a chunk, or is damaged', async () => {
    const flipped = archive();
    flipped[60] = (flipped[60] ?? 0) ^ 1;
    for (const [input, wanted] of [
      [archive().subarray(0, -1), 30],
      [cutAtEdge().subarray(0, -1), 30],
      [flipped, 31],
      [Buffer.concat([archive(), Buffer.alloc(20)]), 31],
    ] as const) {
      const { status, stderr, out } = await extracted(input, '--lenient');
      assert.equal(status, wanted, stderr);
      assert.deepEqual(readdirSync(out), ['xbpipe-partial']);
    }
  });

  it('counts for whole under --lenient even when it is of xbpipe and has no end record', async () => {
    const whole = assemble(samples);
    const cut = rearranged(whole, (all) => all.slice(0, -2));
    const strict = await extracted(cut);
    assert.equal(strict.status, 30, strict.stderr);
    assert.match(strict.stderr, /it has no end record/u);
    const lenient = await extracted(cut, '--lenient');
    assert.equal(lenient.status, 0, lenient.stderr);
    assert.match(lenient.stderr, /warning: .*it has no end record; taken as it is/u);
    const { out } = await extracted(whole);
    assert.deepEqual(
      namesIn(lenient.out),
      namesIn(out).filter((name) => name !== 'xbpipe_end.json'),
    );
  });

  it('is another thing than one of xbpipe whose index lies: that is refused in any case', async () => {
    const forged = assemble(samples, { index: (members) => members.slice(1) });
    for (const more of [[], ['--lenient']]) {
      const { status, stderr, out } = await extracted(forged, ...more);
      assert.equal(status, 31, stderr);
      assert.deepEqual(readdirSync(out), ['xbpipe-partial']);
    }
  });

  it('leaves of a cut member what can be decoded, under --lenient', async () => {
    const frames = Buffer.concat([zstd(text), zstd(rows)]);
    for (const [member, content] of [
      ['t.zst', frames.subarray(0, -10)],
      ['t.zst.xbcrypt', encrypted(frames.subarray(0, -10))],
      [
        't.xbcrypt',
        Buffer.concat([encrypted(text), encrypted(rows.subarray(0, 9)).subarray(0, -1)]),
      ],
      ['t.lz4', Buffer.concat([lz4(text), lz4(rows)]).subarray(0, -10)],
    ] as const) {
      const decoding = ['--decompress', '--decrypt=AES256', `--encrypt-key-file=${keyFile()}`];
      const whole = archiveOf({ [member]: content, 'z.zst': zstd(text) });
      const strict = await extracted(whole, ...decoding);
      assert.equal(strict.status, 30, strict.stderr);
      assert.ok(strict.stderr.includes(`xbstream: ${member}: `), strict.stderr);
      const lenient = await extracted(whole, ...decoding, '--lenient');
      assert.equal(lenient.status, 0, lenient.stderr);
      assert.ok(lenient.stderr.includes(`warning: ${member}: `), lenient.stderr);
      assert.ok(readFileSync(join(lenient.out, 't')).subarray(0, text.length).equals(text));
      assert.ok(readFileSync(join(lenient.out, 'z')).equals(text));
    }
  });

  it('may be empty under --lenient, and arguments are passed over', async () => {
    const { status, stderr, out } = await extracted(new Uint8Array(0), '--lenient', 'name');
    assert.equal(status, 0, stderr);
    assert.match(stderr, /-x takes all files out/u);
    assert.match(stderr, /it is empty; taken as it is/u);
    assert.deepEqual(readdirSync(out), []);
  });
});
