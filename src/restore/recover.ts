import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { BackupError } from '../errors.ts';
import type { BackupDirectory } from './backup-directory.ts';
import type { PrepareOptions } from './prepare.ts';
import { RecoveryLog } from './recovery-log.ts';
import type { RedoRange, RestoreCourse } from './restore-course.ts';
import type { ServerBinary } from './server-binary.ts';

const tailLines = 15;

/** How long to wait before a server that has not ended is asked again. */
const askAgainMs = 5000;

const hints = {
  prepare: 'the directory is not usable; extract the backup again before another try',
  restore: 'what was restored is not usable: remove it, then restore again',
};

/**
 * Lets the server itself recover the directory: on a private socket, without
 * networking, grants, binlog or replication; then shuts it down cleanly. What the
 * server says is held against the redo log that it was given.
 */
export async function recover(
  backup: BackupDirectory,
  redo: RedoRange,
  course: RestoreCourse,
  server: ServerBinary,
  options: PrepareOptions & { signal: AbortSignal },
): Promise<RecoveryLog> {
  const scratch = mkdtempSync(join(tmpdir(), 'xbpipe-recover-'));
  const hint = options.disposable === true ? hints.restore : hints.prepare;
  try {
    const args = [
      ...commonArguments(backup, scratch),
      ...course.recoveryArguments(backup),
      ...(options.disposable === true ? ['--innodb-doublewrite=OFF'] : []),
      ...options.serverArguments,
    ];
    const run = async (): Promise<RecoveryLog> => {
      const log = new RecoveryLog(course.recoveryWords);
      await runToShutdown([server.path, ...args], scratch, log, options.signal);
      return log;
    };
    const first = await run();
    judgeStart(first, hint);
    // Recovery is checked, never trusted: a server starts even when it recovered too little.
    const objection = course.objection(first, redo);
    if (objection !== undefined) throw refused(first, objection, hint);
    if (first.crash === undefined) return first;
    // The backup is recovered, and the server recovers from its own crash as it does anywhere. It does
    // crash: 10.11.19 when purge opens a table with a FULLTEXT index in the middle of a shutdown.
    const second = await run();
    judgeStart(second, hint);
    if (second.crash !== undefined) throw refused(second, second.crash, hint);
    second.warnings.unshift(...first.warnings, `${first.crash}; it was started once more`);
    return second;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function commonArguments({ path }: BackupDirectory, scratch: string): string[] {
  return [
    '--no-defaults',
    `--datadir=${resolve(path)}`,
    `--socket=${join(scratch, 'server.sock')}`,
    `--pid-file=${join(scratch, 'server.pid')}`,
    `--tmpdir=${scratch}`,
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
    '--skip-networking',
    '--skip-grant-tables',
    '--event-scheduler=DISABLED',
    '--innodb-fast-shutdown=1',
    '--innodb-buffer-pool-load-at-startup=OFF',
    '--innodb-buffer-pool-dump-at-shutdown=OFF',
    '--innodb-undo-directory=.',
  ];
}

/**
 * Runs the server beside a watcher of standard input: a line asks the server to shut
 * down, and the end of the input kills it. So it goes when this process goes,
 * however it goes, and no stray server keeps the directory.
 */
const watched = `
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
(while read -r _ <&3; do kill -TERM $server; done; kill -KILL $server) 2>/dev/null &
wait $server
status=$?
kill $! 2>/dev/null
exit $status
`;

/**
 * Asks for a clean shutdown once the server is up, and again until it has ended: one that is only
 * just ready may miss it. Kills it at the first fatal message.
 */
async function runToShutdown(
  command: readonly string[],
  cwd: string,
  log: RecoveryLog,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const child = spawn('/bin/sh', ['-c', watched, 'sh', ...command], { stdio: 'pipe', cwd });
  // Its end is judged by its status; a line that it did not live to read is no failure.
  child.stdin.on('error', () => undefined);
  const kill = (): void => {
    child.stdin.end();
  };
  signal.addEventListener('abort', kill);
  const ask = (): void => {
    child.stdin.write('\n');
  };
  let asking: NodeJS.Timeout | undefined;
  const take = (line: string): void => {
    const wasReady = log.ready;
    log.add(line);
    if (log.fatal !== undefined) kill();
    else if (log.ready && !wasReady) {
      ask();
      asking = setInterval(ask, askAgainMs);
    }
  };
  const read = [child.stdout, child.stderr].map(async (stream) => {
    for await (const line of createInterface({ input: stream })) take(line);
  });
  try {
    const [status] = (await once(child, 'exit')) as [number | null];
    await Promise.all(read);
    signal.throwIfAborted();
    if (log.fatal === undefined && status !== 0) {
      const end = nameOfStatus(status ?? 0);
      // A status of its own choice is the server's word on the data; this signal is not.
      if (log.ready && end === 'SIGSEGV') log.crash = `the server crashed in its shutdown (${end})`;
      else log.fatal = `the server ended with ${end}`;
    }
  } finally {
    clearInterval(asking);
    kill();
    signal.removeEventListener('abort', kill);
  }
}

/** A shell tells death by signal n as status 128 + n. */
function nameOfStatus(status: number): string {
  const signals = Object.entries(constants.signals);
  return signals.find(([, number]) => number + 128 === status)?.[0] ?? `status ${status}`;
}

function refused(log: RecoveryLog, message: string, hint: string): BackupError {
  const words = `${message}\nThe server's last words:\n${log.tail(tailLines)}`;
  return new BackupError('recovery', words, { hint });
}

function judgeStart(log: RecoveryLog, hint: string): void {
  if (log.fatal !== undefined) throw refused(log, `the server did not recover: ${log.fatal}`, hint);
  if (!log.ready) throw refused(log, 'the server never became ready', hint);
}
