import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BeginRecord,
  type MemberEntry,
  beginName,
  decodeBegin,
  decodeIndex,
  indexName,
  isIndexName,
} from '../../formats/archive-record/index.ts';
import { toSafeNumber } from '../../formats/layout.ts';
import {
  type BackupMyCnf,
  type Checkpoints,
  acceptedNames,
  commonNames,
  decodeBackupMyCnf,
  decodeCheckpoints,
  decodeInfo,
} from '../../formats/metadata/index.ts';
import { BackupError } from '../errors.ts';
import { type Flavour, isMariadb } from '../server/flavour.ts';
import { plainPath } from '../transform/member-decoder.ts';
import { stageName } from '../store/stage-name.ts';
import { readFirst, readRecord } from './read-record.ts';

/** An extracted backup as its own files describe it. */
export interface BackupDirectory {
  path: string;
  checkpoints: Checkpoints;
  /** Name of the file that `checkpoints` came from. */
  checkpointsName: string;
  /** End of the redo that was copied. */
  lastLsn: number;
  flavour: Flavour;
  serverVersion: string;
  /** What the tool that took it calls the backup. */
  uuid: string;
  options: BackupMyCnf;
  /** Only in backups by xbpipe. */
  begin: BeginRecord | undefined;
  members: MemberEntry[] | undefined;
}

/** Reads the metadata of an extracted backup, of xbpipe or of mariadb-backup. */
export function readBackupDirectory(path: string): BackupDirectory {
  if (existsSync(join(path, stageName))) {
    throw new BackupError('incomplete', `${path} holds an unfinished extraction (${stageName})`, {
      where: { path },
    });
  }
  const checkpoints = readOne(path, acceptedNames.checkpoints, decodeCheckpoints);
  const { value: info } = readOne(path, acceptedNames.info, decodeInfo);
  const { value: options } = readOne(path, [commonNames.backupMyCnf], decodeBackupMyCnf);
  const begin = readRecord(join(path, beginName), decodeBegin);
  const index = readRecord(join(path, indexName), decodeIndex);
  if (begin && !index) throw withoutIndex(path);
  return {
    path,
    checkpoints: checkpoints.value,
    checkpointsName: checkpoints.name,
    lastLsn: toSafeNumber(checkpoints.value.lastLsn, 'checkpoints > last_lsn', 0),
    flavour: isMariadb(info.serverVersion) ? 'mariadb' : 'mysql',
    serverVersion: info.serverVersion,
    uuid: info.uuid,
    options,
    begin,
    members: index?.members,
  };
}

/** Ours always has one: it tells whether a file is missing. */
function withoutIndex(path: string): BackupError {
  const encoded = readdirSync(path).find((name) => name !== indexName && isIndexName(name));
  return new BackupError(
    'incomplete',
    `${path} has no ${indexName}: what is missing cannot be told`,
    {
      where: { path },
      ...(encoded === undefined
        ? {}
        : { hint: `${encoded} is there: decrypt and decompress it as the other files` }),
    },
  );
}

/** The files of the system tablespace. */
export function systemFileNames({ options }: Pick<BackupDirectory, 'options'>): string[] {
  const paths = (options.get('innodb_data_file_path') ?? 'ibdata1').split(';');
  return paths.map((part) => part.split(':')[0] ?? '');
}

function readOne<T>(
  path: string,
  names: readonly string[],
  decode: (bytes: Uint8Array) => T,
): { name: string; value: T } {
  const found = readFirst(path, names, decode);
  if (found) return found;
  const entries = existsSync(path) ? readdirSync(path) : [];
  const encoded = entries.find((name) => plainPath(name) !== name);
  throw new BackupError(
    'incomplete',
    `${path} has no ${names.join(' or ')}: it is no whole backup`,
    {
      where: { path },
      ...(encoded === undefined
        ? {}
        : { hint: `${encoded} is there: extract the archive with --decompress and --decrypt` }),
    },
  );
}
