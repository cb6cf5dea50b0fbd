import { FormatError } from '../format-error.ts';
import { type JsonRecord, asJsonRecord } from '../json-record.ts';
import { type Flavour, decodeFlavour } from './flavour.ts';
import { parseJsonRecord } from './parse-record.ts';
import { recordFormat } from './names.ts';

/** Name of the commit record of a backup that is a directory or a bucket prefix. */
export const manifestName = 'manifest.json';
/** Name of the first archive object of such a backup. */
export const archiveName = 'archive.xbs';

/** Name of the first, second, ... object of an archive. */
export function archiveNameOf(ordinal: number): string {
  if (ordinal === 1) return archiveName;
  const [stem, suffix] = archiveName.split('.');
  return `${stem}.${String(ordinal).padStart(4, '0')}.${suffix}`;
}

/** True for the name of an archive object. */
export function isArchiveName(name: string): boolean {
  const ordinal = Number(/\d+/.exec(name)?.[0] ?? 1);
  return ordinal > 0 && name === archiveNameOf(ordinal);
}

/** Longest manifest a reader accepts, bytes. */
export const manifestBytesMax = 16 * 1024 * 1024;

/** Written last: without it the rest is not a backup. */
export interface Manifest {
  backupId: string;
  /** Backup that this one is an increment of; undefined if full. */
  parentId?: string | undefined;
  /** Of an increment: it holds every page with an LSN of at least this. */
  sinceLsn?: number | undefined;
  tool: string;
  flavour: Flavour;
  serverVersion: string;
  /** innodb_page_size, bytes. */
  pageSize: number;
  /** Checkpoint LSN that the copied redo starts at. */
  redoStart: number;
  /** Newest checkpoint LSN, from which stock tools take the next increment. */
  toLsn: number;
  /** LSN at which the copied redo ends: the moment that the backup shows. */
  lastLsn: number;
  /** Where the binlog stood at that moment; undefined where it is off. */
  binlog?: { file: string; position: number; gtid: string } | undefined;
  compression?: string | undefined;
  encryption?: string | undefined;
  /** ISO 8601, UTC. */
  startedAt: string;
  finishedAt: string;
  /** Members before the index. */
  members: number;
  /** Bytes of the files that they decode to. */
  plainBytes: number;
  /** The archive, in pieces to be read in this order; sizes in bytes. */
  objects: { name: string; size: number }[];
  /** Name of an object that is the index, of an archive that has none in itself. */
  index?: string | undefined;
}

export function encodeManifest(manifest: Manifest): Uint8Array {
  const {
    backupId,
    parentId = null,
    sinceLsn = null,
    tool,
    flavour,
    serverVersion,
    pageSize,
  } = manifest;
  const { redoStart, toLsn, lastLsn, binlog = null } = manifest;
  const { compression = null, encryption = null, startedAt, finishedAt } = manifest;
  const { members, plainBytes, objects, index = null } = manifest;
  const server = { tool, flavour, serverVersion, pageSize };
  const position = { redoStart, toLsn, lastLsn, binlog };
  const encoding = { compression, encryption };
  const content = { members, plainBytes, objects, index };
  const times = { startedAt, finishedAt };
  const ids = { format: recordFormat, backupId, parentId, sinceLsn };
  const record = { ...ids, ...server, ...position, ...encoding, ...times, ...content };
  return new TextEncoder().encode(JSON.stringify(record, undefined, 2) + '\n');
}

export function decodeManifest(bytes: Uint8Array): Manifest {
  const record = parseJsonRecord(manifestName, new TextDecoder().decode(bytes));
  return {
    backupId: record.string('backupId'),
    parentId: record.optionalString('parentId'),
    sinceLsn: record.optionalNumber('sinceLsn'),
    tool: record.string('tool'),
    flavour: decodeFlavour(manifestName, record),
    serverVersion: record.string('serverVersion'),
    pageSize: record.number('pageSize'),
    redoStart: record.number('redoStart'),
    toLsn: record.number('toLsn'),
    lastLsn: record.number('lastLsn'),
    binlog: decodeBinlog(record),
    compression: record.optionalString('compression'),
    encryption: record.optionalString('encryption'),
    startedAt: record.string('startedAt'),
    finishedAt: record.string('finishedAt'),
    members: record.number('members'),
    plainBytes: record.number('plainBytes'),
    ...decodeObjects(record),
  };
}

/** Only an archive that was there before, and has its index beside the manifest, lies elsewhere. */
function decodeObjects(record: JsonRecord): Pick<Manifest, 'objects' | 'index'> {
  const index = record.optionalString('index');
  const objects = record.array('objects').map((value, i) => {
    const object = asJsonRecord(`${manifestName} > objects[${i}]`, value);
    const name = object.string('name');
    requireName(`objects[${i}]`, index === undefined ? name : name.replace(/^\.\.\//, ''));
    return { name, size: object.number('size') };
  });
  if (index !== undefined) requireName('index', index);
  return { objects, index };
}

function decodeBinlog(record: JsonRecord): Manifest['binlog'] {
  const binlog = record.optionalRecord('binlog');
  if (!binlog) return undefined;
  return {
    file: binlog.string('file'),
    position: binlog.number('position'),
    gtid: binlog.string('gtid'),
  };
}

/** Whoever writes a manifest must not name what is elsewhere. */
function requireName(field: string, name: string): void {
  if (/^[^/\\\0]+$/.test(name) && !/^\.{1,2}$/.test(name)) return;
  throw new FormatError('invalid', `${manifestName} > ${field}`, 0, `"${name}" is not a name`);
}
