import type { BackupOptions } from '../backup/backup.ts';
import { type BackupPreview, previewBackup } from '../backup/preview.ts';
import type { Reporter } from '../reporter.ts';
import { probeBucketPlace } from '../sink/bucket-place.ts';
import { probeDirectory } from '../sink/probe-directory.ts';
import { openS3 } from '../store/open-store.ts';
import type { Target } from './backup-target.ts';
import { formatBytes } from './console-reporter.ts';
import { type Row, printAnswer } from './print-answer.ts';
import { type StoreWriteValues, storeAccessOf } from './store-options.ts';

/** What a target would take of so many bytes. */
interface TargetPreview {
  target: string;
  freeBytes?: number;
  parts?: number;
  objects?: number;
  requests?: number;
}

/** Of an object besides its parts: begin, look, complete, look; of a backup: list, look, manifest. */
const requestsPerObject = 4;
const requestsPerBackup = 3;

/** `backup --preview`: every check, nothing written; what would be done goes to standard output. */
export async function printBackupPreview(
  target: Target,
  values: StoreWriteValues & { json?: boolean },
  options: Omit<BackupOptions, 'openStore'>,
  reporter: Reporter,
): Promise<void> {
  const preview = await previewBackup(options, reporter);
  const { tablespaces, others, redo } = preview;
  const bytes = tablespaces.bytes + others.bytes + redo.bytes;
  const place = await previewTarget(target, values, bytes, reporter);
  if (place.freeBytes !== undefined && place.freeBytes < bytes) {
    const [free, needed] = [place.freeBytes, bytes].map(formatBytes);
    reporter.warn(`${free} are free at ${place.target}, up to ${needed} are needed`);
  }
  const { compression, encryption } = options.encoding;
  const encoding = [compression?.algorithm, encryption?.algorithm].filter(Boolean).join(', ');
  printAnswer(values.json === true, { ...preview, bytes, encoding, ...place }, [
    ...parentRows(preview),
    ...serverRows(preview),
    ['encoding', encoding === '' ? 'none' : encoding],
    ['archive', `${formatBytes(bytes)} at most, before compression`],
    ...targetRows(place),
  ]);
  reporter.info('a preview: nothing was backed up');
}

async function previewTarget(
  target: Target,
  values: StoreWriteValues,
  bytes: number,
  reporter: Reporter,
): Promise<TargetPreview> {
  if (target === 'stream') return { target: 'standard output' };
  if ('targetDir' in target) return await previewDirectory(target.targetDir);
  const { place } = target;
  if (place.kind === 'file') return await previewDirectory(place.path);
  const access = storeAccessOf(values, reporter);
  const store = await openS3(place, access);
  await probeBucketPlace(store);
  const parts = Math.ceil(bytes / access.s3.partBytes);
  const objects = Math.ceil(parts / access.s3.partsMax);
  const requests = parts + objects * requestsPerObject + requestsPerBackup;
  return { target: store.urlOf(''), parts, objects, requests };
}

async function previewDirectory(path: string): Promise<TargetPreview> {
  return { target: path, freeBytes: await probeDirectory(path) };
}

function serverRows({ server, datadir, ...found }: BackupPreview): Row[] {
  const { tablespaces, others, redo, ddlWaits, pageTracking, spoolFree } = found;
  return [
    ['server', server],
    ['privileges', 'all that are needed are there'],
    ['data directory', datadir],
    ['InnoDB files', `${tablespaces.files}, ${formatBytes(tablespaces.bytes)}`],
    ['other files', `${others.files}, ${formatBytes(others.bytes)}`],
    [
      'redo',
      `from checkpoint LSN ${redo.checkpointLsn}, ${formatBytes(redo.bytes)} by now; ` +
        `the log holds ${formatBytes(redo.capacity)}`,
    ],
    ['DDL', ddlWaits ? 'waits for the whole copy' : 'goes on, and waits at the end'],
    ...(pageTracking === undefined ? [] : [['page tracking', pageTracking] as Row]),
    ['redo spool', `${formatBytes(spoolFree)} free`],
  ];
}

function parentRows({ parent }: BackupPreview): Row[] {
  if (!parent) return [];
  return [['increment', `on ${parent.name}, of pages that changed since LSN ${parent.sinceLsn}`]];
}

function targetRows({ target, freeBytes, parts, objects, requests }: TargetPreview): Row[] {
  if (freeBytes !== undefined) return [['target', `${target}, ${formatBytes(freeBytes)} free`]];
  if (parts === undefined) return [['target', target]];
  return [
    ['target', `${target}, which may be written`],
    ['uploads', `at most ${parts} parts in ${objects} objects, ${requests} requests`],
  ];
}
