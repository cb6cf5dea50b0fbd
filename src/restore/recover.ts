import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { BackupLogReport } from '../../formats/mariadb-redo/index.ts';
import { BackupError } from '../errors.ts';
import type { BackupDirectory } from './backup-directory.ts';
import { RecoveryLog } from './recovery-log.ts';
import type { ServerBinary } from './server-binary.ts';

const tailLines = 15;

/**
 * Lets the server itself recover the directory: on a private socket, without
 * networking, grants, binlog or replication; then shuts it down cleanly. What the
 * server says is held against the redo log that it was given.
 */
export async function recover(
  backup: BackupDirectory,
  redo: BackupLogReport,
  server: ServerBinary,
  options: { serverArguments: readonly string[]; signal: AbortSignal },
): Promise<RecoveryLog> {
  const scratch = mkdtempSync(join(tmpdir(), 'xbpipe-recover-'));
  try {
    const args = [...recoveryArguments(backup, scratch), ...options.serverArguments];
    const run = (): Promise<RecoveryLog> =>
      runToShutdown([server.path, ...args], scratch, options.signal);
    const first = await run();
    judge(first, redo);
    if (first.crash === undefined) return first;
    // The backup is recovered, and the server recovers from its own crash as it does anywhere. It does
    // crash: 10.11.19 when purge opens a table with a FULLTEXT index in the middle of a shutdown.
    const second = await run();
    judgeStart(second);
    if (second.crash !== undefined) throw refused(second, second.crash);
    second.warnings.unshift(...first.warnings, `${first.crash}; it was started once more`);
    return second;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function recoveryArguments({ path, options }: BackupDirectory, scratch: string): string[] {
  const fromBackup = [
    'innodb_data_file_path',
    'innodb_page_size',
    'innodb_log_file_size',
    'innodb_undo_tablespaces',
  ].flatMap((name) => {
    const value = options.get(name);
    return value === undefined ? [] : [`--${name.replaceAll('_', '-')}=${value}`];
  });
  return [
    '--no-defaults',
    `--datadir=${resolve(path)}`,
    `--socket=${join(scratch, 'server.sock')}`,
    `--pid-file=${join(scratch, 'server.pid')}`,
    `--tmpdir=${scratch}`,
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
    '--skip-networking',
    '--skip-grant-tables',
    '--skip-log-bin',
    '--skip-slave-start',
    '--event-scheduler=DISABLED',
    '--innodb-fast-shutdown=1',
    '--innodb-buffer-pool-load-at-startup=OFF',
    '--innodb-buffer-pool-dump-at-shutdown=OFF',
    '--innodb-undo-directory=.',
    '--table-open-cache=400',
    ...fromBackup,
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

/** Asks for a clean shutdown once the server is up, kills it at the first fatal message. */
async function runToShutdown(
  command: readonly string[],
  cwd: string,
  signal: AbortSignal,
): Promise<RecoveryLog> {
  const child = spawn('/bin/sh', ['-c', watched, 'sh', ...command], { stdio: 'pipe', cwd });
  // Its end is judged by its status; a line that it did not live to read is no failure.
  child.stdin.on('error', () => undefined);
  const log = new RecoveryLog();
  const kill = (): void => {
    child.stdin.end();
  };
  signal.addEventListener('abort', kill);
  const take = (line: string): void => {
    const wasReady = log.ready;
    log.add(line);
    if (log.fatal !== undefined) kill();
    else if (log.ready && !wasReady) child.stdin.write('\n');
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
    return log;
  } finally {
    kill();
    signal.removeEventListener('abort', kill);
  }
}

/** A shell tells death by signal n as status 128 + n. */
function nameOfStatus(status: number): string {
  const signals = Object.entries(constants.signals);
  return signals.find(([, number]) => number + 128 === status)?.[0] ?? `status ${status}`;
}

function refused(log: RecoveryLog, message: string): BackupError {
  return new BackupError(
    'recovery',
    `${message}\nThe server's last words:\n${log.tail(tailLines)}`,
    { hint: 'the directory is not usable; extract the backup again before another try' },
  );
}

function judgeStart(log: RecoveryLog): void {
  if (log.fatal !== undefined) throw refused(log, `the server did not recover: ${log.fatal}`);
  if (!log.ready) throw refused(log, 'the server never became ready');
}

/** Recovery is checked, never trusted: a server starts even when it recovered too little. */
function judge(log: RecoveryLog, redo: BackupLogReport): void {
  judgeStart(log);
  if (log.endLsn === undefined) {
    if (!redo.anyChangesBeyondCheckpoint) return;
    throw refused(
      log,
      `the server recovered nothing, though the redo log reaches LSN ${redo.lastLsn}`,
    );
  }
  // With nothing to apply it says where the log ends, and not where it began.
  const start = redo.anyChangesBeyondCheckpoint ? undefined : Number(redo.checkpointLsn);
  const checkpointLsn = log.checkpointLsn ?? start;
  if (checkpointLsn !== Number(redo.checkpointLsn) || log.endLsn !== Number(redo.lastLsn)) {
    throw refused(
      log,
      `the server recovered LSN ${checkpointLsn ?? '?'} to ${log.endLsn} ` +
        `instead of ${redo.checkpointLsn} to ${redo.lastLsn}`,
    );
  }
}
