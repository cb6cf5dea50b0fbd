import { asJsonRecord } from '../json-record.ts';
import { parseJsonRecord } from './parse-record.ts';
import { recordFormat } from './names.ts';

/** Name of the commit record of a backup that is a directory or a bucket prefix. */
export const manifestName = 'manifest.json';
/** Name of the first archive object of such a backup. */
export const archiveName = 'archive.xbs';
/** Longest manifest a reader accepts, bytes. */
export const manifestBytesMax = 16 * 1024 * 1024;

/** Written last: without it the rest is not a backup. */
export interface Manifest {
  backupId: string;
  flavour: string;
  serverVersion: string;
  /** Checkpoint LSN that the copied redo starts at. */
  redoStart: number;
  /** ISO 8601, UTC. */
  startedAt: string;
  finishedAt: string;
  /** The archive, in pieces to be read in this order; sizes in bytes. */
  objects: { name: string; size: number }[];
}

export function encodeManifest(manifest: Manifest): Uint8Array {
  return new TextEncoder().encode(
    JSON.stringify({ format: recordFormat, ...manifest }, undefined, 2) + '\n',
  );
}

export function decodeManifest(bytes: Uint8Array): Manifest {
  const record = parseJsonRecord(manifestName, new TextDecoder().decode(bytes));
  return {
    backupId: record.string('backupId'),
    flavour: record.string('flavour'),
    serverVersion: record.string('serverVersion'),
    redoStart: record.number('redoStart'),
    startedAt: record.string('startedAt'),
    finishedAt: record.string('finishedAt'),
    objects: record.array('objects').map((value, i) => {
      const object = asJsonRecord(`${manifestName} > objects[${i}]`, value);
      return { name: object.string('name'), size: object.number('size') };
    }),
  };
}
