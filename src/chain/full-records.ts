import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BeginRecord,
  type MemberEntry,
  beginName,
  encodeBegin,
  encodeIndex,
  indexName,
} from '../../formats/archive-record/index.ts';
import {
  acceptedNames,
  backupTypes,
  decodeCheckpoints,
  decodeInfo,
  encodeCheckpoints,
  encodeInfo,
} from '../../formats/metadata/index.ts';
import { readRecord } from '../restore/read-record.ts';

/** A file of a backup that lies in a directory, as an index lists it. */
export type ListedFile = Pick<MemberEntry, 'path' | 'spaceId' | 'pageSize' | 'size'>;

/**
 * Lets the files that a chain made pass for what they are: a full backup, as new as its newest
 * link. The checkpoints come last: they are what makes a directory a backup.
 */
export function writeFullRecords(
  directory: string,
  begin: BeginRecord,
  files: readonly ListedFile[],
): void {
  const full: BeginRecord = { ...begin, parentId: undefined, sinceLsn: undefined };
  replace(join(directory, beginName), encodeBegin(full));
  rewriteFirst(directory, acceptedNames.info, decodeInfo, (info) =>
    encodeInfo({ ...info, incremental: false, innodbFromLsn: 0n }),
  );
  const rewritten = [...acceptedNames.info, ...acceptedNames.checkpoints, beginName, indexName];
  const listed = files
    .filter(({ path }) => !rewritten.includes(path))
    .map(({ path, spaceId, pageSize, size }): MemberEntry => {
      return { path, spaceId, pageSize, size, chunks: [] };
    });
  replace(join(directory, indexName), Buffer.concat([...encodeIndex(full.backupId, listed)]));
  rewriteFirst(directory, acceptedNames.checkpoints, decodeCheckpoints, (checkpoints) =>
    encodeCheckpoints({ ...checkpoints, backupType: backupTypes.full, fromLsn: 0n }),
  );
}

function rewriteFirst<T>(
  directory: string,
  names: readonly string[],
  decode: (bytes: Uint8Array) => T,
  encode: (value: T) => Uint8Array,
): void {
  for (const name of names) {
    const file = join(directory, name);
    const value = readRecord(file, decode);
    if (value === undefined) continue;
    replace(file, encode(value));
    return;
  }
}

/** Never half of it, whatever comes between. */
function replace(file: string, bytes: Uint8Array): void {
  writeFileSync(`${file}.tmp`, bytes, { flush: true });
  renameSync(`${file}.tmp`, file);
}
