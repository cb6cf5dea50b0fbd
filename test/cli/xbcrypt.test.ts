import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { after, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { xbcrypt } from '../../src/cli/xbcrypt.ts';

const key = 'percona_xtrabackup_is_awesome___';
const extension = extname(import.meta.url);
const program = fileURLToPath(new URL(`../../src/cli/xbcrypt-main${extension}`, import.meta.url));
const vector = (name: string): Buffer =>
  Buffer.from(readFileSync(`formats/xbcrypt/vectors/${name}.hex`, 'utf8').trim(), 'hex');

const root = mkdtempSync(join(tmpdir(), 'xbcrypt-test-'));
after(() => {
  rmSync(root, { recursive: true, force: true });
});
let folder = root;
let keyFile = '';
beforeEach(() => {
  folder = mkdtempSync(join(root, 't-'));
  keyFile = join(root, 'key');
  writeFileSync(keyFile, key);
});

interface Result {
  status: number;
  stdout: Buffer;
  stderr: string;
}

/** Runs the program in this process; `pieces` come in on stdin one by one. */
async function run(args: string[], ...pieces: Uint8Array[]): Promise<Result> {
  const out: Buffer[] = [];
  const stderr: string[] = [];
  const status = await xbcrypt(args, {
    stdin: Readable.from(pieces.map((piece) => Buffer.from(piece))),
    stdout: new Writable({
      write(chunk: Buffer, _encoding, done) {
        out.push(chunk);
        done();
      },
    }),
    stderr: new PassThrough().on('data', (chunk: Buffer) => stderr.push(chunk.toString())),
  });
  await new Promise((resolve) => setImmediate(resolve));
  return { status, stdout: Buffer.concat(out), stderr: stderr.join('') };
}

const encrypting = (): string[] => ['-a', 'AES256', '-f', keyFile];
const decrypting = (): string[] => ['-d', ...encrypting()];

describe('xbcrypt', () => {
  it('decrypts the vectors of openssl with each key length', async () => {
    for (const [name, bytes] of [
      ['v3', 32],
      ['v3-key24', 24],
      ['v3-key16', 16],
    ] as const) {
      const { status, stdout, stderr } = await run(
        ['-d', `--encrypt-algo=AES${bytes * 8}`, '--encrypt-key', key.slice(0, bytes)],
        vector(name),
      );
      assert.equal(stdout.toString(), 'hello', name);
      assert.equal(status, 0);
      assert.match(stderr, /warning: others can see a key on the command line/u);
    }
  });

  it('writes chunks that openssl opens', async () => {
    const plain = randomBytes(3000);
    const { status, stdout, stderr } = await run([...encrypting(), '-s', '2K'], plain);
    assert.deepEqual([status, stderr], [0, '']);
    assert.equal(stdout.length, 3000 + 2 * 92);
    const opened = [0, 2048 + 92].map((at) => {
      const chunk = stdout.subarray(at, at === 0 ? 2048 + 92 : undefined);
      const result = spawnSync(
        'openssl',
        [
          'enc',
          '-d',
          '-aes-256-ctr',
          '-K',
          Buffer.from(key).toString('hex'),
          '-iv',
          chunk.subarray(44, 60).toString('hex'),
        ],
        { input: chunk.subarray(60) },
      );
      return result.stdout.subarray(0, -32);
    });
    assert.deepEqual(Buffer.concat(opened), plain);
  });

  it('cuts at multiples of the chunk size however the input comes in', async () => {
    const plain = randomBytes(10_000);
    const pieces = Array.from({ length: 10 }, (_, at) =>
      plain.subarray(at * 1000, at * 1000 + 1000),
    );
    const { stdout } = await run([...encrypting(), '-s', '4096'], ...pieces);
    assert.equal(stdout.length, 10_000 + 3 * 92);
    const whole = await run(decrypting(), ...Array.from(stdout, (byte) => Uint8Array.of(byte)));
    assert.deepEqual(whole.stdout, plain);
  });

  it('makes nothing of nothing in both directions', async () => {
    assert.deepEqual(await run(encrypting()), { status: 0, stdout: Buffer.alloc(0), stderr: '' });
    assert.deepEqual(await run(decrypting()), { status: 0, stdout: Buffer.alloc(0), stderr: '' });
  });

  it('reads and writes files', async () => {
    const [plain, secret, back] = ['plain', 'secret', 'back'].map((name) => join(folder, name));
    assert.ok(plain !== undefined && secret !== undefined && back !== undefined);
    writeFileSync(plain, randomBytes(200_000));
    const there = await run([...encrypting(), '-v', '-i', plain, '-o', secret]);
    assert.equal(there.status, 0, there.stderr);
    assert.equal(there.stderr, 'xbcrypt: 4 chunks, 200368 bytes written\n');
    const again = await run([...decrypting(), `--input=${secret}`, `--output=${back}`, '-r1M']);
    assert.equal(again.status, 0, again.stderr);
    assert.deepEqual(readFileSync(back), readFileSync(plain));
    assert.deepEqual(readdirSync(folder).sort(), ['back', 'plain', 'secret']);
  });

  it('ends with another status for a wrong key, damage and a cut, and leaves no file', async () => {
    const chunk = vector('v3');
    const damaged = Buffer.from(chunk);
    damaged[70] = 0;
    const wrong = join(folder, 'wrong-key');
    writeFileSync(wrong, key.toUpperCase());
    for (const [args, input, status, message] of [
      [['-d', '-a', 'AES256', '-f', wrong], chunk, 32, /wrong key.*\nHINT: /u],
      [decrypting(), damaged, 31, /xbcrypt chunk > checksum at byte 0/u],
      [decrypting(), Buffer.concat([chunk, damaged]), 31, /checksum at byte 97/u],
      [decrypting(), chunk.subarray(0, 80), 30, /ciphertext at byte 80: .* is cut/u],
      [decrypting(), Buffer.from('XBSTCK01'), 31, /not an xbcrypt chunk/u],
    ] as const) {
      const result = await run([...args, '-o', join(folder, 'out')], input);
      assert.equal(result.status, status);
      assert.match(result.stderr, message);
      assert.deepEqual(readdirSync(folder), ['wrong-key']);
    }
  });

  it('gives nothing out with a wrong key, whatever the key of later chunks', async () => {
    const { stdout: chunks } = await run([...encrypting(), '-s', '1K'], randomBytes(5000));
    const wrong = join(folder, 'wrong-key');
    writeFileSync(wrong, key.toUpperCase());
    const first = await run(['-a', 'AES256', '-f', wrong], randomBytes(100));
    for (const input of [chunks, Buffer.concat([chunks, first.stdout])]) {
      const { status, stdout } = await run(['-d', '-a', 'AES256', '-f', wrong], input);
      assert.deepEqual([status, stdout.length], [32, 0]);
    }
  });

  it('writes the same chunks whatever the number of threads', async () => {
    const plain = randomBytes(300_000);
    const { status, stdout } = await run([...encrypting(), '--encrypt-threads=8'], plain);
    assert.deepEqual([status, stdout.length], [0, 300_000 + 5 * 92]);
    const back = await run([...decrypting(), '-t', '4'], stdout);
    assert.deepEqual([back.status, back.stdout], [0, plain]);
  });

  it('never replaces a file', async () => {
    const path = join(folder, 'out');
    writeFileSync(path, 'mine');
    const { status, stderr } = await run([...encrypting(), '-o', path], Buffer.from('x'));
    assert.equal(status, 20);
    assert.match(stderr, /exists already/u);
    assert.equal(readFileSync(path, 'utf8'), 'mine');
    assert.deepEqual(readdirSync(folder), ['out']);
  });

  it('does not replace a file that comes up while it works', async () => {
    const path = join(folder, 'out');
    const stdin = new PassThrough();
    const stderr = new PassThrough();
    const done = xbcrypt([...encrypting(), '-o', path], {
      stdin,
      stdout: new PassThrough(),
      stderr,
    });
    stdin.write('x');
    while (readdirSync(folder).length === 0) await new Promise((resolve) => setImmediate(resolve));
    writeFileSync(path, 'mine');
    stdin.end();
    assert.equal(await done, 20);
    assert.equal(readFileSync(path, 'utf8'), 'mine');
    assert.deepEqual(readdirSync(folder), ['out']);
  });

  it('decrypts with algorithm NONE only when it is named', async () => {
    const silent = await run(['-d'], vector('none'));
    assert.equal(silent.status, 2);
    assert.match(silent.stderr, /no --encrypt-algo is given\nHINT: say --encrypt-algo=AES256/u);
    const named = await run(['-d', '--encrypt_algo=none'], vector('none'));
    assert.deepEqual([named.status, named.stdout.toString(), named.stderr], [0, 'hello', '']);
    const encrypted = await run(['-d', '-aNONE'], vector('v3'));
    assert.equal(encrypted.status, 31);
    assert.equal(encrypted.stdout.length, 0);
  });

  it('encrypts with algorithm NONE by default but says so, and not when there is a key', async () => {
    const plain = await run([], Buffer.from('hello'));
    assert.deepEqual([plain.status, plain.stdout], [0, vector('none')]);
    assert.match(plain.stderr, /the output is not encrypted/u);
    const withKey = await run(['-f', keyFile], Buffer.from('hello'));
    assert.deepEqual([withKey.status, withKey.stdout.length], [2, 0]);
  });

  it('opens chunks of versions 1 and 2 and warns that nothing checks the key', async () => {
    for (const name of ['v1', 'v2']) {
      const { status, stdout, stderr } = await run(decrypting(), vector(name));
      assert.deepEqual([status, stdout.toString()], [0, 'hello']);
      assert.match(stderr, /the chunk at byte 0 is of version \d: with a wrong key/u);
    }
  });

  it('takes the bytes of a key file as they are and points at a newline', async () => {
    writeFileSync(join(folder, 'key'), `${key}\n`);
    const { status, stderr } = await run(['-a', 'AES256', '-f', join(folder, 'key')]);
    assert.equal(status, 2);
    assert.match(stderr, /has 33 bytes: AES takes 16, 24 or 32\nHINT: the newline at the end/u);
    writeFileSync(join(folder, 'key'), `${key.slice(0, 31)}\n`);
    const odd = await run(['-a', 'AES256', '-f', join(folder, 'key')], Buffer.from('x'));
    assert.equal(odd.status, 0);
    const hex = await run(['-a', 'AES256', '-k', Buffer.from(key).toString('hex')]);
    assert.match(
      hex.stderr,
      /the key has 64 bytes.*\nHINT: keys are taken as they are, not as hex/u,
    );
  });

  it('lets the length of the key decide, with a warning', async () => {
    const { status, stdout, stderr } = await run(
      ['-d', '-a', 'AES128', '-f', keyFile],
      vector('v3'),
    );
    assert.deepEqual([status, stdout.toString()], [0, 'hello']);
    assert.match(stderr, /a key of 32 bytes means AES256, not AES128/u);
  });

  it('refuses options that do not fit together', async () => {
    for (const args of [
      ['-a', 'AES256'],
      ['-a', 'AES256', '-k', key, '-f', keyFile],
      ['-a', 'DES'],
      ['--no-such-option'],
      [...encrypting(), 'file'],
    ]) {
      const { status, stdout, stderr } = await run(args, Buffer.from('x'));
      assert.deepEqual([status, stdout.length], [2, 0], args.join(' '));
      assert.match(stderr, /^xbcrypt: /mu);
    }
  });

  it('names files that it cannot read or write', async () => {
    for (const args of [
      [...encrypting(), '-i', join(folder, 'missing')],
      [...encrypting(), '-i', folder],
      ['-a', 'AES256', '-f', join(folder, 'missing')],
      [...encrypting(), '-o', join(folder, 'missing', 'out')],
    ]) {
      const { status, stderr } = await run(args, Buffer.from('x'));
      assert.equal(status, 20, args.join(' '));
      assert.ok(stderr.includes(folder), stderr);
    }
  });

  it('shows its options with the statuses, and its version', async () => {
    const help = await run(['-?']);
    assert.equal(help.status, 0);
    assert.match(help.stdout.toString(), /--encrypt-algo=NAME.*\(default NONE\)/u);
    assert.match(help.stdout.toString(), /\n {2}32 {2}wrong encryption key\n/u);
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    assert.equal((await run(['--version'])).stdout.toString(), `xbcrypt ${version}\n`);
  });
});

describe('xbcrypt as a process', () => {
  it('works in a pipe', () => {
    const plain = randomBytes(1_000_000);
    const there = spawnSync(process.execPath, [program, ...encrypting()], {
      input: plain,
      maxBuffer: 4e6,
    });
    assert.equal(there.status, 0, there.stderr.toString());
    const back = spawnSync(process.execPath, [program, ...decrypting()], {
      input: there.stdout,
      maxBuffer: 4e6,
    });
    assert.equal(back.status, 0, back.stderr.toString());
    assert.deepEqual(back.stdout, plain);
  });

  it('takes 100 MiB through pipes both ways in bounded memory', () => {
    const report = 'process.on("exit", () => console.error(process.resourceUsage().maxRSS))';
    const script = `set -o pipefail
      node=$1 watch=$2 main=$3; shift 3
      head -c 104857600 /dev/zero | "$node" --import "$watch" "$main" "$@" |
        "$node" --import "$watch" "$main" -d "$@" | sha256sum`;
    const { status, stdout, stderr } = spawnSync(
      'bash',
      [
        '-c',
        script,
        'bash',
        process.execPath,
        `data:text/javascript,${report}`,
        program,
        ...encrypting(),
      ],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, stderr);
    const zeros = createHash('sha256')
      .update(Buffer.alloc(100 * 1024 * 1024))
      .digest('hex');
    assert.ok(stdout.startsWith(zeros), stdout);
    const peaks = stderr.trim().split('\n').map(Number);
    assert.equal(peaks.length, 2, stderr);
    assert.ok(
      peaks.every((kibibytes) => kibibytes < 256 * 1024),
      stderr,
    );
  });

  it('shows no key in the list of processes', async () => {
    const child = spawn(process.execPath, [program, '-a', 'AES256', '--encrypt-key', key]);
    const [warning] = (await once(child.stderr, 'data')) as [Buffer];
    const listed = readFileSync(`/proc/${child.pid}/cmdline`, 'latin1');
    child.stdin.end();
    assert.equal(listed.replaceAll('\0', ''), 'xbcrypt');
    assert.match(warning.toString(), /warning: others can see a key on the command line/u);
    assert.equal(warning.includes(key), false);
  });

  it('fails when its reader goes away, and does not crash', () => {
    const command = `{ "$0" "$@" < /dev/zero; echo "status $?" >&2; } | head -c 1000 > /dev/null`;
    const { stderr } = spawnSync(
      'sh',
      ['-c', command, process.execPath, program, ...encrypting()],
      {
        encoding: 'utf8',
      },
    );
    assert.equal(stderr, 'xbcrypt: the reader of the pipe is gone (EPIPE in write)\nstatus 20\n');
  });

  it('stops reading after a failure though its writer goes on', () => {
    const command = `cat /dev/zero | "$0" "$@"`;
    const { status } = spawnSync('sh', ['-c', command, process.execPath, program, ...decrypting()]);
    assert.equal(status, 31);
  });

  it('removes its unfinished file when it is stopped by a signal', async () => {
    const child = spawn(process.execPath, [program, ...encrypting(), '-o', join(folder, 'out')]);
    child.stdin.write('x'.repeat(100_000));
    while (readdirSync(folder).length === 0)
      await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill('SIGTERM');
    const signal = await new Promise((resolve) => {
      child.on('exit', (_status, signal) => {
        resolve(signal);
      });
    });
    assert.equal(signal, 'SIGTERM');
    assert.deepEqual(readdirSync(folder), []);
  });
});
