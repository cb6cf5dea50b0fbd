import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { assertDone, runTool, startTool, toolEnd } from '../support/tool.ts';
import { createSchema } from '../support/workload.ts';

const runner = fileURLToPath(new URL('../support/tool-main.js', import.meta.url));
const secret = 'S3cret-w0rd';

let server: TestServer;
let local: string[];
let tcp: string[];

before(async () => {
  server = await startServer({ name: 'source', tcp: true });
  await createSchema(server, { megabytes: 4 });
  for (const host of ['localhost', '127.0.0.1']) {
    await server.query(`CREATE USER keeper@'${host}' IDENTIFIED BY '${secret}'`);
    await server.query(`GRANT RELOAD, PROCESS, BINLOG MONITOR ON *.* TO keeper@'${host}'`);
  }
  local = ['backup', '--no-defaults', '--user=root', `--socket=${server.socket}`];
  tcp = ['backup', '--user=keeper', '-h', '127.0.0.1', '-P', String(server.port)];
});

/** What the process has said on standard error so far. */
class Listener {
  said = '';
  readonly #stream: NodeJS.ReadableStream;
  readonly #ended: Promise<unknown>;

  constructor(stream: NodeJS.ReadableStream) {
    this.#stream = stream;
    this.#ended = once(stream, 'end');
    stream.on('data', (piece: Buffer) => {
      this.said += piece.toString();
    });
  }

  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.said)) {
      const ended = this.#ended.then(() => 'end');
      if ((await Promise.race([once(this.#stream, 'data'), ended])) !== 'end') continue;
      assert.match(this.said, pattern);
    }
  }

  async end(): Promise<string> {
    await this.#ended;
    return this.said;
  }
}

/** A backup whose archive nobody takes until `release`: it waits, however small it is. */
async function heldBackup(
  args: string[],
  env?: NodeJS.ProcessEnv,
): Promise<{ child: ChildProcess; errors: Listener; release: (path: string) => Promise<number> }> {
  const child = startTool(args, { stdout: 'pipe', ...(env && { env }) });
  assert.ok(child.stdout && child.stderr);
  const { stdout } = child;
  const exit = once(child, 'exit');
  return await Promise.resolve({
    child,
    errors: new Listener(child.stderr),
    release: async (path) => {
      await pipeline(stdout, createWriteStream(path));
      const [status] = (await exit) as [number];
      return status;
    },
  });
}

/** Starts a shell line on a terminal of its own, with `xbpipe` as the tool. */
function startOnTerminal(line: string): { terminal: Listener; status: Promise<number> } {
  const script = `xbpipe() { "$XBPIPE_NODE" "$XBPIPE_MAIN" "$@"; }; ${line}`;
  const child = spawn('script', ['-qfec', 'bash -c "$XBPIPE_SCRIPT"', '/dev/null'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      XBPIPE_NODE: process.execPath,
      XBPIPE_MAIN: runner,
      XBPIPE_SCRIPT: script,
    },
  });
  const status = once(child, 'exit').then(([status]) => status as number);
  return { terminal: new Listener(child.stdout), status };
}

/** Back to the start of the line, and the line away. */
const clear = String.raw`\r\x1b\[K`;

const lastLine = (stderr: string): string => stderr.trimEnd().split('\n').at(-1) ?? '';

describe('a terminal', () => {
  it('gets no archive, and is not waited on for one', async () => {
    for (const [line, message] of [
      [local.join(' '), /refusing to write an archive to a terminal/u],
      ['guard < /dev/null', /refusing to write an archive to a terminal/u],
      ['guard > /dev/null', /refusing to read an archive from a terminal/u],
      [`extract -C ${scratchDir('out')}`, /refusing to read an archive from a terminal/u],
    ] as const) {
      const { terminal, status } = startOnTerminal(`xbpipe ${line}`);
      const shown = await terminal.end();
      assert.equal(await status, 2, shown);
      assert.match(shown, message);
      assert.doesNotMatch(shown, /XBSTCK01/u);
    }
  });

  it('shows how far a backup is, on one line, above it what happened', async () => {
    const dir = scratchDir('held');
    const seen = join(dir, 'seen');
    // The reader waits until the progress was seen: a small backup would be too quick for it. It
    // takes enough before that, whole chunks, to tell a speed.
    const line =
      `mkfifo ${dir}/pipe; { head -c 6000000; while [ ! -e ${seen} ]; do sleep 0.05; done; cat; } ` +
      `< ${dir}/pipe > ${dir}/archive & ` +
      `xbpipe ${local.join(' ')} > ${dir}/pipe; status=$?; wait; exit $status`;
    const { terminal, status } = startOnTerminal(line);
    const size = String.raw`[\d.]+ [KMG]?i?B`;
    const progress = new RegExp(
      `${clear}${size} of ${size}, \\d+ %, ${size}/s, .* left, redo head-room \\d+ %`,
      'u',
    );
    await terminal.until(progress);
    writeFileSync(seen, '');
    const shown = await terminal.end();
    assert.equal(await status, 0, shown);
    assert.match(shown, new RegExp(`${clear}[-\\d]+\\S+ connected to MariaDB`, 'u'));
    assert.match(lastLine(shown), /completed OK!\r?$/u);
  });
});

describe('--json', () => {
  const records = (stderr: string): Record<string, unknown>[] =>
    stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it('says everything as one object a line, the result last', async () => {
    const dir = scratchDir('json');
    const { errors, release } = await heldBackup([...local, '--json']);
    // The redo thread may have its first word after the first progress.
    await errors.until(/"redoHeadRoom"/u);
    assert.equal(await release(join(dir, 'archive')), 0);
    const said = records(await errors.end());
    for (const record of said) {
      assert.ok(['info', 'warning', 'progress', 'result'].includes(String(record['type'])));
      assert.ok(!Number.isNaN(Date.parse(String(record['time']))));
    }
    const progress = said.find((record) => 'redoHeadRoom' in record);
    assert.ok(
      typeof progress?.['bytes'] === 'number' && typeof progress['totalBytes'] === 'number',
    );
    const { bytes, capacity } = progress['redoHeadRoom'] as Record<string, number>;
    assert.ok(bytes !== undefined && capacity !== undefined && bytes > 0 && bytes <= capacity);
    const { type, status } = said.at(-1) ?? {};
    assert.deepEqual({ type, status }, { type: 'result', status: 0 });
  });

  it('says a failure as an object too, with status, code and hint', async () => {
    const missing = [
      'backup',
      '--no-defaults',
      '--json',
      '--socket=/missing.sock',
      '--to=/missing/x',
    ];
    const { status, stderr } = await runTool(missing);
    const [error, ...more] = records(stderr);
    assert.deepEqual(more, []);
    assert.equal(status, 10);
    assert.equal(error?.['type'], 'error');
    assert.deepEqual([error['status'], error['code']], [10, 'access']);
    assert.match(String(error['message']), /cannot connect to the server at \/missing\.sock/u);
    assert.match(String(error['hint']), /--socket/u);
  });

  it('says wrong arguments so as well', async () => {
    for (const args of [
      ['backup', '--json', '--no-such'],
      ['restore', '--json'],
      ['backup', '--json', '--to=a', '--target-dir=b'],
      ['--backup', '--parallel=0', '--json'],
    ]) {
      const { status, stderr } = await runTool(args);
      assert.equal(status, 2, stderr);
      const [error, ...more] = records(stderr);
      assert.deepEqual(more, []);
      assert.deepEqual(
        [error?.['type'], error?.['status'], error?.['code']],
        ['error', 2, 'usage'],
      );
    }
  });
});

describe('the last line of standard error', () => {
  it('is "completed OK!" exactly when the status is 0', async () => {
    const dir = scratchDir('runs');
    const backup = join(dir, 'b');
    const out = join(dir, 'out');
    const archive = join(backup, 'archive.xbs');
    for (const [args, expected] of [
      [[...local, `--to=${backup}`], 0],
      [[...local, `--to=${backup}`], 20],
      [['extract', `--from=${backup}`, '-C', out], 0],
      [['extract', `--from=${archive}`, '-C', out], 20],
      [['extract', '--from=/dev/null', '-C', join(dir, 'none')], 30],
      [['prepare', dir], 30],
      [['backup', '--no-defaults', '--password', '--socket=/x', '--to=/x/y'], 2],
    ] as const) {
      const { status, stderr } = await runTool([...args]);
      assert.equal(status, expected, stderr);
      const last = lastLine(stderr);
      if (status === 0) assert.match(last, /^[-\d]+\S+ completed OK!$/u);
      else assert.match(stderr, new RegExp(`FAILED: .* \\[[a-z-]+, exit status ${status}\\]`, 'u'));
      assert.equal(stderr.includes('completed OK!'), status === 0);
    }
    assert.deepEqual(readdirSync(backup).sort(), ['archive.xbs', 'manifest.json']);
  });
});

describe('a password', () => {
  const assertUnseen = (where: string, what: string): void => {
    assert.ok(!what.includes(secret), `${where}: ${what}`);
  };

  for (const [how, words] of [
    ['attached', [`--password=${secret}`]],
    ['as the next word', ['--password', secret]],
    ['in the short form', [`-p${secret}`]],
  ] as const) {
    it(`given ${how} shows in no process list, log or file of the backup`, async () => {
      const dir = scratchDir('secret');
      const { child, errors, release } = await heldBackup([...tcp, ...words, '--no-defaults']);
      await errors.until(/copying redo/u);
      assertUnseen('process list', readFileSync(`/proc/${child.pid}/cmdline`, 'utf8'));
      const archive = join(dir, 'archive');
      assert.equal(await release(archive), 0, errors.said);
      assertUnseen('log', await errors.end());
      assertDone(await runTool(['extract', `--from=${archive}`, '-C', dir]));
      const names = readdirSync(dir).filter((name) => /^x|^backup-my/u.test(name));
      assert.ok(names.includes('xtrabackup_info') && names.includes('xbpipe_begin.json'));
      for (const name of names) assertUnseen(name, readFileSync(join(dir, name), 'utf8'));
      assert.match(
        readFileSync(join(dir, 'xtrabackup_info'), 'utf8'),
        /^tool_command = backup --user=keeper -h 127\.0\.0\.1 .*\.\.\./mu,
      );
    });
  }

  it('comes from a file, an option file or the environment as well, the command line first', async () => {
    const dir = scratchDir('from');
    const file = join(dir, 'password');
    writeFileSync(file, `${secret}\r\nsecond line\n`);
    const defaults = join(dir, 'my.cnf');
    writeFileSync(defaults, `[client]\npassword = "${secret}"\n`);
    const wrong = join(dir, 'wrong.cnf');
    writeFileSync(wrong, '[client]\npassword=wrong\n');
    // Refused for its target only after the server let it in.
    const full = scratchDir('full');
    writeFileSync(join(full, 'file'), '');
    const run = async (args: string[], password: string): Promise<number | null> => {
      const all = [...tcp, ...args, `--to=${full}`];
      return (await runTool(all, { env: { ...process.env, MYSQL_PWD: password } })).status;
    };
    const [letIn, refused] = [20, 10];
    assert.equal(await run(['--no-defaults', `--password-file=${file}`], 'wrong'), letIn);
    assert.equal(await run([`--defaults-file=${defaults}`], 'wrong'), letIn);
    assert.equal(await run([`--defaults-file=${wrong}`, `--password=${secret}`], 'wrong'), letIn);
    assert.equal(await run(['--no-defaults'], secret), letIn);
    assert.equal(await run([`--defaults-file=${wrong}`], secret), refused);
    assert.equal(await run(['--no-defaults'], 'wrong'), refused);
  });

  it('in xtrabackup-style arguments is masked as well', async () => {
    const target = join(scratchDir('style'), 'b');
    const { status, stderr } = await toolEnd(
      startTool([
        '--backup',
        '--no-defaults',
        '--user=keeper',
        `--password=${secret}`,
        `--socket=${server.socket}`,
        `--target_dir=${target}`,
        '--lock_ddl=ON',
        '--parallel=2',
      ]),
    );
    assert.equal(status, 0, stderr);
    const info = readFileSync(join(target, 'xtrabackup_info'), 'utf8');
    assert.match(info, /^tool_command = --backup .*--password=\.\.\. .*--lock_ddl=ON/mu);
    assertUnseen('info', info + stderr);
  });
});
