import { randomUUID } from 'node:crypto';
import type { BeginRecord } from '../../formats/archive-record/index.ts';
import type { MemberStore } from '../archive/member-store.ts';
import { writeMember } from '../archive/write-member.ts';
import type { Reporter } from '../reporter.ts';
import { BackupStages } from '../server/mariadb/backup-stages.ts';
import { refuseOtherEngines } from '../server/mariadb/engines.ts';
import { checkPrivileges } from '../server/mariadb/privileges.ts';
import { type ServerInfo, readServerInfo, redoLogPath } from '../server/server-info.ts';
import { type Access, Session } from '../server/session.ts';
import { version } from '../version.ts';
import { CleanUp } from './clean-up.ts';
import { CopyPool } from './copy/copy-pool.ts';
import type { CopyContext } from './copy-context.ts';
import { copyOtherFiles } from './copy-other-files.ts';
import { copyTablespaces, followDdl } from './copy-tablespaces.ts';
import { type FixedPosition, fixPosition } from './fix-position.ts';
import { type MetadataFile, metadataFiles } from './metadata-files.ts';
import { BackupProgress } from './progress.ts';
import { RedoTail } from './redo/redo-tail.ts';

export interface BackupOptions {
  access: Access;
  /** Opens the place the backup goes to, once its begin record is known. */
  openStore: (begin: BeginRecord) => Promise<MemberStore>;
  /** What the info file says of `openStore`'s place. */
  format: 'file' | 'xbstream';
  /** ON: DDL waits during the whole copy. REDUCED: only while DDL's traces are tidied up. */
  lockDdl: 'ON' | 'REDUCED';
  lockTimeoutSeconds: number;
  /** Copy threads. */
  parallel: number;
  /** Overrides what the server says: a data directory mounted elsewhere. */
  datadir?: string | undefined;
  /** For redo that the sink does not take in time. */
  spoolDirectory: string;
  /** The command line, secrets masked, for the info file. */
  command: string;
}

export interface BackupResult extends FixedPosition {
  backupId: string;
  serverVersion: string;
  redoStart: number;
  bytes: number;
  metadata: MetadataFile[];
}

/** Bytes of one chunk, and how many of them each copy thread has on its way. */
const chunkBytes = 2 * 1024 * 1024;
const buffersPerThread = 4;

/**
 * A full backup of a running MariaDB server. Resolves when the store has
 * committed it; on any failure, a signal included, the store is told to give up
 * and no lock is left on the server.
 */
export async function backup(
  options: BackupOptions,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<BackupResult> {
  const cleanUp = new CleanUp();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
  try {
    return await Promise.race([takeBackup(options, reporter, cleanUp, aborted), aborted]);
  } finally {
    await cleanUp.run();
  }
}

async function takeBackup(
  options: BackupOptions,
  reporter: Reporter,
  cleanUp: CleanUp,
  aborted: Promise<never>,
): Promise<BackupResult> {
  const startedAt = new Date();
  const { session, info } = await connect(options, cleanUp);
  reporter.info(`connected to MariaDB ${info.version}, data directory ${info.datadir}`);

  const stages = await BackupStages.open(options.access, options.lockTimeoutSeconds);
  cleanUp.add(() => stages.close());
  reporter.info('waiting for BACKUP STAGE START');
  await stages.reach(options.lockDdl === 'ON' ? 'BLOCK_DDL' : 'START');

  const progress = new BackupProgress(reporter);
  cleanUp.add(() => {
    progress.stop();
  });
  const redo = startRedo(options, info, progress, cleanUp);
  const redoStart = await redo.started();
  reporter.info(`copying redo from checkpoint LSN ${redoStart}`);
  const guarded = <T>(step: Promise<T>): Promise<T> => Promise.race([step, redo.failed, aborted]);

  const begin = beginRecord(info, redoStart, startedAt);
  const store = await guarded(options.openStore(begin));
  let committed = false;
  cleanUp.add(() => (committed ? undefined : store.abort()));
  progress.watch(store);
  redo.flowInto(store);
  const pool = startCopiers(options, info, redoStart, store, cleanUp);
  const context: CopyContext = {
    info,
    session,
    stages,
    store,
    pool,
    redo,
    progress,
    reporter,
    cleanUp,
    spoolDirectory: options.spoolDirectory,
  };

  const copied = await guarded(copyTablespaces(context));
  reporter.info('waiting for BACKUP STAGE BLOCK_DDL');
  await guarded(stages.reach('BLOCK_DDL'));
  const ddlFence = await guarded(followDdl(context, copied));
  const held = await guarded(copyOtherFiles(context));
  const position = await guarded(fixPosition(context, ddlFence, held));
  reporter.info(describePosition(position));

  await guarded(redo.drain());
  const { command, format } = options;
  const { backupId } = begin;
  const facts = { ...position, command, format, backupId, startedAt, endedAt: new Date() };
  const metadata = metadataFiles(info, facts);
  for (const { name, bytes } of metadata) await guarded(writeMember(store, name, bytes));
  await guarded(store.finish());
  committed = true;
  const serverVersion = info.version;
  return { ...position, backupId, serverVersion, redoStart, bytes: store.bytesWritten, metadata };
}

async function connect(
  options: BackupOptions,
  cleanUp: CleanUp,
): Promise<{ session: Session; info: ServerInfo }> {
  const session = await Session.open(options.access);
  cleanUp.add(() => {
    session.destroy();
  });
  const info = await readServerInfo(session, options.datadir);
  await checkPrivileges(session, info);
  await refuseOtherEngines(session);
  return { session, info };
}

function startRedo(
  options: BackupOptions,
  info: ServerInfo,
  progress: BackupProgress,
  cleanUp: CleanUp,
): RedoTail {
  const [major, minor, patch] = info.series;
  const { access, spoolDirectory } = options;
  const creator = `Backup ${major}.${minor}.${patch}`;
  const data = { access, logPath: redoLogPath(info), spoolDirectory, creator };
  const redo = new RedoTail(data, progress.onRedo);
  cleanUp.add(() => redo.stop());
  return redo;
}

function startCopiers(
  options: BackupOptions,
  info: ServerInfo,
  redoStart: number,
  store: MemberStore,
  cleanUp: CleanUp,
): CopyPool {
  const { pageSize } = info;
  const data = { buffers: buffersPerThread, chunkBytes, pageSize, redoStart };
  const pool = new CopyPool(options.parallel, data, store);
  cleanUp.add(() => pool.stop());
  return pool;
}

function beginRecord(info: ServerInfo, redoStart: number, startedAt: Date): BeginRecord {
  return {
    backupId: randomUUID(),
    tool: `xbpipe ${version}`,
    flavour: 'mariadb',
    serverVersion: info.version,
    pageSize: info.pageSize,
    redoStart,
    startedAt: startedAt.toISOString(),
  };
}

function describePosition({ lastLsn, binlog, commitsBlockedMs }: FixedPosition): string {
  const place = binlog
    ? `MySQL binlog position: filename '${binlog.file}', position '${binlog.position}', ` +
      `GTID of the last change '${binlog.gtid}'`
    : 'binlog is off';
  return `redo ends at LSN ${lastLsn}; ${place}; commits were held for ${Math.ceil(commitsBlockedMs)} ms`;
}
