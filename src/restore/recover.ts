import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
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
    const child = spawn(server.path, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: scratch });
    const log = await runToShutdown(child, options.signal);
    judge(log, redo);
    return log;
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

/** Asks for a clean shutdown once the server is up, kills it at the first fatal message. */
async function runToShutdown(child: ChildProcess, signal: AbortSignal): Promise<RecoveryLog> {
  const log = new RecoveryLog();
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  signal.addEventListener('abort', kill);
  const take = (line: string): void => {
    const wasReady = log.ready;
    log.add(line);
    if (log.fatal !== undefined) kill();
    else if (log.ready && !wasReady) child.kill('SIGTERM');
  };
  const outputs = [child.stdout, child.stderr].filter((stream) => stream !== null);
  const read = outputs.map(async (stream) => {
    for await (const line of createInterface({ input: stream })) take(line);
  });
  try {
    const [status, killedBy] = (await once(child, 'exit')) as [number | null, string | null];
    await Promise.all(read);
    signal.throwIfAborted();
    if (log.fatal === undefined && status !== 0) {
      log.fatal = `the server ended with ${killedBy ?? `status ${status ?? 'unknown'}`}`;
    }
    return log;
  } catch (error) {
    kill();
    throw signal.aborted
      ? (signal.reason as Error)
      : new BackupError('recovery', `the server cannot be started: ${String(error)}`, {
          cause: error,
        });
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

/** Recovery is checked, never trusted: a server starts even when it recovered too little. */
function judge(log: RecoveryLog, redo: BackupLogReport): void {
  const refused = (message: string): BackupError =>
    new BackupError('recovery', `${message}\nThe server's last words:\n${log.tail(tailLines)}`, {
      hint: 'the directory is not usable; extract the backup again before another try',
    });
  if (log.fatal !== undefined) throw refused(`the server did not recover: ${log.fatal}`);
  if (!log.ready) throw refused('the server never became ready');
  if (log.endLsn === undefined) {
    if (!redo.anyChangesBeyondCheckpoint) return;
    throw refused(`the server recovered nothing, though the redo log reaches LSN ${redo.lastLsn}`);
  }
  // With nothing to apply it says where the log ends, and not where it began.
  const start = redo.anyChangesBeyondCheckpoint ? undefined : Number(redo.checkpointLsn);
  const checkpointLsn = log.checkpointLsn ?? start;
  if (checkpointLsn !== Number(redo.checkpointLsn) || log.endLsn !== Number(redo.lastLsn)) {
    throw refused(
      `the server recovered LSN ${checkpointLsn ?? '?'} to ${log.endLsn} ` +
        `instead of ${redo.checkpointLsn} to ${redo.lastLsn}`,
    );
  }
}
