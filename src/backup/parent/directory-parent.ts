import { closeSync, existsSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  beginName,
  decodeBegin,
  decodeIndex,
  indexName,
  isIndexName,
} from '../../../formats/archive-record/index.ts';
import { toSafeNumber } from '../../../formats/layout.ts';
import {
  acceptedNames,
  commonNames,
  decodeBackupMyCnf,
  decodeCheckpoints,
  decodeInfo,
  isPrepared,
} from '../../../formats/metadata/index.ts';
import {
  stockRedoHeadBytes,
  stockRedoNames,
  stockRedoStart,
} from '../../import/stock-redo-start.ts';
import { type Flavour, isMariadb } from '../../server/flavour.ts';
import { stageName } from '../../store/stage-name.ts';
import { readFully } from '../../tablespace/read-fully.ts';
import { toBackupError } from '../../errors.ts';
import { readState } from '../../restore/overlay-state.ts';
import { readFirst, readRecord } from '../../restore/read-record.ts';
import { knownSpaces, spacesInDirectory } from './known-spaces.ts';
import type { Parent } from './parent.ts';
import { parentByRecord } from './stored-parent.ts';
import { unfitParent } from './unfit-parent.ts';

/**
 * The directory of an extracted backup, or what `--extra-lsndir` left of one: of xbpipe or of a
 * stock tool.
 */
export function directoryParent(path: string): Parent {
  try {
    return readDirectory(path);
  } catch (error) {
    throw toBackupError(error, 'storage');
  }
}

function readDirectory(path: string): Parent {
  if (existsSync(join(path, stageName))) {
    throw unfitParent(path, `it is an unfinished extraction (${stageName})`, {
      hint: 'extract it again, or take a full backup',
    });
  }
  if (readState(path)) {
    throw unfitParent(path, 'an increment is laid over it half-way', {
      hint: `bring that to its end: xbpipe prepare ${path} --incremental-dir`,
    });
  }
  const checkpoints = readOne(path, acceptedNames.checkpoints, decodeCheckpoints);
  const ends = {
    toLsn: toSafeNumber(checkpoints.toLsn, 'checkpoints > to_lsn', 0),
    lastLsn: toSafeNumber(checkpoints.lastLsn, 'checkpoints > last_lsn', 0),
  };
  const begin = readRecord(join(path, beginName), decodeBegin);
  if (begin) return { ...parentByRecord(path, begin), ...ends, knownSpaces: spacesByIndex(path) };
  return { ...stockParent(path, isPrepared(checkpoints)), ...ends };
}

/** Undefined beside an `--extra-lsndir`, which has no index. */
function spacesByIndex(path: string): Uint32Array | undefined {
  const index = readRecord(join(path, indexName), decodeIndex);
  if (index) return knownSpaces(index.members);
  const encoded = readdirSync(path).find(isIndexName);
  if (encoded === undefined) return undefined;
  throw unfitParent(path, `it has ${encoded} and no ${indexName}`, {
    hint: 'decrypt and decompress it as the other files: xbpipe extract --decompress --decrypt',
  });
}

/** The metadata of a stock tool has no LSN that an increment could start from: its redo has. */
function stockParent(path: string, prepared: boolean): Omit<Parent, 'toLsn' | 'lastLsn'> {
  const { serverVersion, startTime } = readOne(path, acceptedNames.info, decodeInfo);
  const flavour = isMariadb(serverVersion) ? 'mariadb' : 'mysql';
  const name = stockRedoNames[flavour];
  const hint =
    'name the directory of the backup as it was extracted, before any prepare, or the LSN ' +
    'that its redo starts at: --incremental-lsn';
  if (prepared) throw unfitParent(path, `it is prepared, and its ${name} is another one`, { hint });
  const redoStart = redoStartOf(join(path, name), flavour);
  if (redoStart === undefined) {
    throw unfitParent(path, `without ${name} as it was copied its redo start is not known`, {
      hint,
    });
  }
  const options = readRecord(join(path, commonNames.backupMyCnf), decodeBackupMyCnf);
  const pageSize = options?.u64('innodb_page_size');
  const startedAt = new Date(startTime.replace(' ', 'T'));
  return {
    name: path,
    redoStart,
    flavour,
    serverVersion,
    pageSize: pageSize === undefined ? undefined : Number(pageSize),
    startedAt: Number.isNaN(startedAt.getTime()) ? undefined : startedAt,
    knownSpaces: spacesInDirectory(path, flavour),
  };
}

function redoStartOf(file: string, flavour: Flavour): number | undefined {
  if (!existsSync(file)) return undefined;
  const fd = openSync(file, 'r');
  try {
    const head = new Uint8Array(stockRedoHeadBytes);
    return stockRedoStart(head.subarray(0, readFully(fd, head, 0)), flavour);
  } finally {
    closeSync(fd);
  }
}

function readOne<T>(path: string, names: readonly string[], decode: (bytes: Uint8Array) => T): T {
  const found = readFirst(path, names, decode);
  if (found) return found.value;
  throw unfitParent(path, `it has no ${names.join(' or ')}: it is no whole backup`, {
    hint: 'name a backup, the directory of one, or an --extra-lsndir',
  });
}
