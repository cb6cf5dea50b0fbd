import { randomUUID } from 'node:crypto';
import {
  type BeginRecord,
  type PageTracking,
  keyCheckOf,
} from '../../formats/archive-record/index.ts';
import { EncodedMembers } from '../archive/encoded-members.ts';
import type { MemberStore, Members } from '../archive/member-store.ts';
import { writeMember } from '../archive/write-member.ts';
import type { Reporter } from '../reporter.ts';
import type { ServerInfo } from '../server/server-info.ts';
import type { Access } from '../server/session.ts';
import type { Encoding } from '../transform/encoding.ts';
import { version } from '../version.ts';
import { aborted } from '../worker/aborted.ts';
import { CleanUp } from './clean-up.ts';
import { connect } from './connect.ts';
import { copyMemory } from './copy/copy-memory.ts';
import { CopyPool } from './copy/copy-pool.ts';
import { copyTablespaces } from './copy-tablespaces.ts';
import type { IncrementSelection } from './copy/copy-messages.ts';
import type {
  BackupFacts,
  Course,
  FixedPosition,
  LockDdl,
  MetadataFile,
  RedoState,
} from './course.ts';
import { readLastRestore } from './parent/last-restore.ts';
import type { Parent } from './parent/parent.ts';
import { unfitParent } from './parent/unfit-parent.ts';
import type { TablespaceFile } from './plan/tablespace-file.ts';
import { BackupProgress } from './progress.ts';
import { RedoTail } from './redo/redo-tail.ts';

export interface BackupOptions {
  access: Access;
  /** Opens the place the backup goes to, once its begin record is known. */
  openStore: (begin: BeginRecord) => Promise<MemberStore>;
  /** What the info file says of `openStore`'s place. */
  format: 'file' | 'xbstream';
  /** What members go through on their way there. */
  encoding: Encoding;
  /**
   * ON: DDL waits during the whole copy. REDUCED: only while DDL's traces are
   * tidied up, which MariaDB alone can do. Undefined: the least that the server allows.
   */
  lockDdl?: LockDdl | undefined;
  /** MySQL: ask the server to keep its redo until it is copied, where it can. */
  registerConsumer: boolean;
  /** MySQL: let the server say which pages it wrote since the parent, and note them for the next. */
  pageTracking: boolean;
  lockTimeoutSeconds: number;
  /** Copy threads. */
  parallel: number;
  /** Overrides what the server says: a data directory mounted elsewhere. */
  datadir?: string | undefined;
  /** For redo that the sink does not take in time. */
  spoolDirectory: string;
  /** The backup that an increment is taken on; undefined for a full one. */
  parent?: Parent | undefined;
  /** The command line, secrets masked, for the info file. */
  command: string;
}

export interface BackupResult extends FixedPosition {
  backupId: string;
  serverVersion: string;
  redoStart: number;
  begin: BeginRecord;
  bytes: number;
  metadata: MetadataFile[];
}

/**
 * A backup of a running server, full or an increment on `parent`. Resolves when the store has
 * committed it; on any failure, a signal included, the store is told to give up
 * and no lock is left on the server.
 */
export async function backup(
  options: BackupOptions,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<BackupResult> {
  signal.throwIfAborted();
  const cleanUp = new CleanUp();
  const aborting = aborted(signal);
  try {
    return await Promise.race([takeBackup(options, reporter, cleanUp, aborting), aborting]);
  } finally {
    await cleanUp.run();
  }
}

async function takeBackup(
  options: BackupOptions,
  reporter: Reporter,
  cleanUp: CleanUp,
  aborting: Promise<never>,
): Promise<BackupResult> {
  const startedAt = new Date();
  const { session, course, redo: redoState } = await connect(options, reporter, cleanUp);
  const { info } = course;
  if (options.parent) reporter.info(describeParent(options.parent));
  reporter.info('waiting for the backup lock');
  await course.lock();
  const pageTracking = await trackPages(options, course, reporter);

  const progress = new BackupProgress(reporter);
  cleanUp.add(() => {
    progress.stop();
  });
  const redo = startRedo(options, course, progress, cleanUp);
  const { startLsn: redoStart, notice } = await redo.started();
  reporter.info(`copying redo from checkpoint LSN ${redoStart}`);
  if (notice !== undefined) reporter.warn(notice);
  const guarded = <T>(step: Promise<T>): Promise<T> => Promise.race([step, redo.failed, aborting]);

  const begin = beginRecord(options, { info, redoState, redoStart, pageTracking, startedAt });
  const store = await guarded(options.openStore(begin));
  let committed = false;
  cleanUp.add(async () => {
    if (!committed) await store.abort();
  });
  progress.watch(store);
  const members = new EncodedMembers(store, options.encoding);
  redo.flowInto(members, { path: course.redoMember, packed: info.redoEncrypted });
  const pool = startCopiers(options, info, redoStart, { store, progress, cleanUp });
  const { spoolDirectory, parent } = options;
  const context = {
    isIncrement: parent !== undefined,
    session,
    store: members,
    pool,
    redo,
    progress,
    reporter,
    cleanUp,
    spoolDirectory,
  };

  const files = await guarded(listFiles(options, course, reporter));
  const copied = await guarded(copyTablespaces(context, files, course));
  const position = await guarded(course.fixPosition(context, copied));
  if (options.parent) reporter.info(progress.describePages());
  reporter.info(describePosition(position));

  await guarded(redo.drain());
  const facts = factsOf(options, begin, startedAt, position);
  const metadata = await guarded(writeMetadata(members, course, facts));
  await guarded(commit(store, position, options.parent));
  committed = true;
  const { backupId, serverVersion } = begin;
  const bytes = store.bytesWritten;
  return { ...position, backupId, serverVersion, redoStart, begin, bytes, metadata };
}

function startRedo(
  { access, spoolDirectory }: BackupOptions,
  { redoLog: log }: Course,
  progress: BackupProgress,
  cleanUp: CleanUp,
): RedoTail {
  const redo = new RedoTail({ access, log, spoolDirectory }, progress.onRedo);
  cleanUp.add(() => redo.stop());
  return redo;
}

function startCopiers(
  options: BackupOptions,
  info: ServerInfo,
  redoStart: number,
  { store, progress, cleanUp }: { store: MemberStore; progress: BackupProgress; cleanUp: CleanUp },
): CopyPool {
  const { flavour, pageSize } = info;
  const { encoding, parent } = options;
  const increment = parent && selectionOf(parent);
  const memory = copyMemory(options.parallel);
  const data = { ...memory, flavour, pageSize, redoStart, encoding, increment };
  const pool = new CopyPool(options.parallel, data, store, progress.onPages);
  cleanUp.add(() => pool.stop());
  return pool;
}

async function trackPages(
  { parent, pageTracking }: BackupOptions,
  course: Course,
  reporter: Reporter,
): Promise<PageTracking | undefined> {
  return pageTracking ? await course.trackPages(parent?.pageTracking, reporter) : undefined;
}

/** In an increment with page tracking, with the pages that can have changed. */
async function listFiles(
  { parent, pageTracking }: BackupOptions,
  course: Course,
  reporter: Reporter,
): Promise<TablespaceFile[]> {
  const files = await course.listTablespaces();
  return parent && pageTracking ? await course.narrow(files, parent.pageTracking, reporter) : files;
}

/** Every page that changed since the redo of the parent starts: see src/README.md. */
function selectionOf({ redoStart: sinceLsn, knownSpaces }: Parent): IncrementSelection {
  return { sinceLsn, knownSpaces };
}

function beginRecord(
  { parent, encoding: { compression, encryption, digests } }: BackupOptions,
  found: Pick<BeginRecord, 'redoStart' | 'pageTracking'> & {
    info: ServerInfo;
    redoState: RedoState;
    startedAt: Date;
  },
): BeginRecord {
  const { info, redoState, redoStart, pageTracking, startedAt } = found;
  const backupId = randomUUID();
  return {
    backupId,
    tool: `xbpipe ${version}`,
    flavour: info.flavour,
    serverVersion: info.version,
    pageSize: info.pageSize,
    redoStart,
    parentId: parent?.backupId,
    sinceLsn: parent?.redoStart,
    serverId: info.identity,
    redoBegan: redoState.beganLsn,
    ...readLastRestore(info.datadir),
    pageTracking,
    startedAt: startedAt.toISOString(),
    compression: compression?.algorithm,
    encryption: encryption?.algorithm,
    keyCheck: encryption && keyCheckOf(encryption.key, backupId),
    digests,
  };
}

function factsOf(
  { command, format, encoding, parent }: BackupOptions,
  { backupId }: BeginRecord,
  startedAt: Date,
  position: FixedPosition,
): BackupFacts {
  const times = { startedAt, endedAt: new Date() };
  return { ...position, command, format, encoding, backupId, fromLsn: parent?.toLsn, ...times };
}

async function writeMetadata(
  store: Members,
  course: Course,
  facts: BackupFacts,
): Promise<MetadataFile[]> {
  const files = course.metadataFiles(facts);
  for (const { name, bytes } of files) await writeMember(store, name, bytes);
  return files;
}

async function commit(
  store: MemberStore,
  position: FixedPosition,
  parent: Parent | undefined,
): Promise<void> {
  // Whoever lets old backups go cannot know of an increment that is on its way.
  if (parent && (await parent.isThere?.()) === false) {
    throw unfitParent(parent.name, 'it was removed while the increment was taken');
  }
  await store.finish(position);
}

function describeParent({ name, redoStart }: Parent): string {
  return `an increment on ${name}: pages that changed since LSN ${redoStart}`;
}

function describePosition({ lastLsn, binlog, commitsBlockedMs }: FixedPosition): string {
  const place = binlog
    ? `MySQL binlog position: filename '${binlog.file}', position '${binlog.position}', ` +
      `GTID of the last change '${binlog.gtid}'`
    : 'binlog is off';
  return `redo ends at LSN ${lastLsn}; ${place}; commits were held for ${Math.ceil(commitsBlockedMs)} ms`;
}
