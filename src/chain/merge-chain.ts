import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type BeginRecord, keyCheckOf } from '../../formats/archive-record/index.ts';
import { toSafeNumber } from '../../formats/layout.ts';
import {
  acceptedNames,
  commonNames,
  decodeBinlogInfo,
  decodeInfo,
  encodeInfo,
} from '../../formats/metadata/index.ts';
import { EncodedMembers } from '../archive/encoded-members.ts';
import type { EndPosition, MemberStore } from '../archive/member-store.ts';
import { writeMember } from '../archive/write-member.ts';
import type { CopyJob } from '../backup/copy/copy-messages.ts';
import { copyMemory } from '../backup/copy/copy-memory.ts';
import { CopyPool } from '../backup/copy/copy-pool.ts';
import type { Reporter } from '../reporter.ts';
import { type BackupDirectory, readBackupDirectory } from '../restore/backup-directory.ts';
import { checkFiles } from '../restore/check-files.ts';
import { checkPages, continuationsOf } from '../restore/check-pages.ts';
import { readFirst, readRecord } from '../restore/read-record.ts';
import { type RestoreCourse, restoreCourse } from '../restore/restore-course.ts';
import { probeDirectory } from '../sink/probe-directory.ts';
import { StagedDirectory } from '../sink/staged-directory.ts';
import type { Encoding } from '../transform/encoding.ts';
import { version } from '../version.ts';
import { unlessAborted } from '../worker/unless-aborted.ts';
import { chainLayout, filesOf } from './chain-layout.ts';
import { filesBelow } from './directory/link-directory.ts';
import { isRewritten } from './full-records.ts';
import { layChain } from './lay-chain.ts';
import type { StoredLink } from './link.ts';
import type { ChainPlan } from './plan-chain.ts';

export interface MergeOptions {
  /** A new directory to lay the chain together in, as large as the databases; the caller removes it. */
  scratch: string;
  /** Opens the place that the new backup goes to, once its begin record is known. */
  openStore: (begin: BeginRecord) => Promise<MemberStore>;
  /** What its members go through. */
  encoding: Encoding;
  /** Of the chain, where it is encrypted. */
  key: Uint8Array | undefined;
  /** Copy threads. */
  parallel: number;
  /** The command line, secrets masked, for the info file. */
  command: string;
}

export interface Merged {
  begin: BeginRecord;
  lastLsn: number;
  bytes: number;
}

/**
 * Writes what a chain comes to as one new full backup, as new as its newest link. No server is
 * needed: no redo is applied, and the redo of the newest link goes along.
 */
export async function mergeChain(
  links: readonly StoredLink[],
  options: MergeOptions,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<Merged> {
  const layout = chainLayout(links);
  await warnOfRoom(layout.plan, options.scratch, reporter);
  const directory = await StagedDirectory.create(options.scratch, { empty: true });
  await layChain(layout, directory, {
    key: options.key,
    signal,
    onProgress: (bytes, totalBytes) => {
      reporter.progress({ bytes, totalBytes });
    },
  });
  const backup = readBackupDirectory(directory.stage);
  const course = restoreCourse(backup);
  checkFiles(backup, course);
  const redo = await course.checkRedo(backup, signal);
  await checkPages(backup, course, redo, signal);
  const { lastLsn } = redo;
  reporter.info(`${links.length} backups are laid over each other, up to LSN ${lastLsn}`);
  const begin = mergedBegin(backup, options.encoding);
  const store = await options.openStore(begin);
  try {
    await copyFiles(backup, course, store, options, signal);
    await writeMetadata(backup, begin, store, options);
    signal.throwIfAborted();
    await store.finish(positionOf(backup));
  } catch (error) {
    await store.abort();
    throw error;
  }
  return { begin, lastLsn, bytes: store.bytesWritten };
}

/** Files with holes take less than their sizes: what may not fit is no reason to refuse. */
async function warnOfRoom(plan: ChainPlan, scratch: string, reporter: Reporter): Promise<void> {
  const free = await probeDirectory(scratch);
  const needed = filesOf(plan).reduce((sum, { size }) => sum + size, 0);
  if (free >= needed) return;
  reporter.warn(`${free} bytes are free at ${scratch}, up to ${needed} are needed: see --tmpdir`);
}

/** As old as the newest link: what it shows is no younger. */
function mergedBegin({ begin }: BackupDirectory, encoding: Encoding): BeginRecord {
  const backupId = randomUUID();
  const { compression, encryption, digests } = encoding;
  return {
    ...(begin as BeginRecord),
    backupId,
    tool: `xbpipe ${version}`,
    compression: compression?.algorithm,
    encryption: encryption?.algorithm,
    keyCheck: encryption && keyCheckOf(encryption.key, backupId),
    digests,
  };
}

/** By the copy threads of a backup, which check every page once more. */
async function copyFiles(
  backup: BackupDirectory,
  course: RestoreCourse,
  store: MemberStore,
  { parallel, encoding }: MergeOptions,
  signal: AbortSignal,
): Promise<void> {
  const { path, flavour, begin } = backup;
  const { pageSize = 16_384, redoStart = 0 } = begin ?? {};
  const data = { ...copyMemory(parallel), flavour, pageSize, redoStart, encoding };
  const pool = new CopyPool(parallel, data, store);
  try {
    await unlessAborted(pool.copy(jobsOf(path, backup, course)), signal);
  } finally {
    await pool.stop();
  }
}

/** The largest first. */
function jobsOf(path: string, backup: BackupDirectory, course: RestoreCourse): CopyJob[] {
  const continuations = continuationsOf(backup);
  return filesBelow(path)
    .filter((member) => !isMetadata(member))
    .map((member) => ({ member, source: join(path, member) }))
    .map(({ member, source }) => ({
      kind: course.isTablespace(member, backup) ? ('tablespace' as const) : ('plain' as const),
      member,
      source,
      continues: continuations.get(source),
      size: statSync(source).size,
    }))
    .sort((a, b) => b.size - a.size)
    .map(({ kind, member, source, continues }) => ({ kind, member, source, continues }));
}

/** Files that say what a backup is come last, and the checkpoints and tablespaces behind them. */
function isMetadata(member: string): boolean {
  const names = [...Object.values(acceptedNames).flat(), ...Object.values(commonNames)];
  return isRewritten(member) || names.includes(member);
}

async function writeMetadata(
  { path }: BackupDirectory,
  { backupId }: BeginRecord,
  store: MemberStore,
  { encoding, command }: MergeOptions,
): Promise<void> {
  const members = new EncodedMembers(store, encoding);
  const rank = (name: string): number => {
    if (name === commonNames.tablespaces) return 2;
    return acceptedNames.checkpoints.includes(name) ? 1 : 0;
  };
  const names = filesBelow(path)
    .filter((name) => isMetadata(name) && !name.startsWith('xbpipe_'))
    .sort((a, b) => rank(a) - rank(b));
  for (const name of names) {
    const file = join(path, name);
    const info = acceptedNames.info.includes(name) ? readRecord(file, decodeInfo) : undefined;
    const bytes = info
      ? encodeInfo({
          ...info,
          uuid: backupId,
          toolName: 'xbpipe',
          toolCommand: command,
          toolVersion: version,
          format: 'xbstream',
          compressed: encoding.compression !== undefined,
          ...(info.encrypted !== undefined && { encrypted: encoding.encryption !== undefined }),
        })
      : readFileSync(file);
    await writeMember(members, name, bytes);
  }
}

function positionOf({ path, checkpoints, lastLsn }: BackupDirectory): EndPosition {
  const toLsn = toSafeNumber(checkpoints.toLsn, 'checkpoints > to_lsn', 0);
  const binlog = readFirst(path, acceptedNames.binlogInfo, decodeBinlogInfo)?.value;
  if (!binlog) return { toLsn, lastLsn, binlog: undefined };
  const { file, gtid = '' } = binlog;
  const position = toSafeNumber(binlog.position, 'binlog position', 0);
  return { toLsn, lastLsn, binlog: { file, position, gtid } };
}
