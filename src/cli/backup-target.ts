import { type Command, Option } from 'commander';
import { ArchiveWriter } from '../archive/archive-writer.ts';
import { type BackupPlace, CommittedArchive } from '../archive/committed-archive.ts';
import type { BackupOptions } from '../backup/backup.ts';
import { BackupError } from '../errors.ts';
import type { Reporter } from '../reporter.ts';
import { BucketPlace } from '../sink/bucket-place.ts';
import { DirectoryPlace } from '../sink/directory-place.ts';
import { DirectoryStore } from '../sink/directory-store.ts';
import { openStdout } from '../sink/stdout.ts';
import { openS3 } from '../store/open-store.ts';
import { type Place, parentOf, parsePlace } from '../store/place-url.ts';
import type { Encoding } from '../transform/encoding.ts';
import { type StoreWriteValues, storeAccessOf, warnOfBucketOptions } from './store-options.ts';

/** Where a backup is to go. */
export interface TargetValues extends StoreWriteValues {
  stream?: string | true;
  to?: string;
  targetDir?: string;
}

/** A target that can be: where plain files go, where an archive with its manifest, or neither. */
export type Target = { targetDir: string } | { place: Place } | 'stream';

/** Options of a command that writes an archive. */
export function addTargetOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--stream [format]', 'an xbstream archive on standard output').choices([
        'xbstream',
        'mbstream',
      ]),
    )
    .option('--to <target>', 'a new backup: a path, a file: URL or s3://BUCKET/PREFIX/NAME');
}

/** Refuses what no target can be, before any server is asked. */
export function targetOf(values: TargetValues, encoding: Encoding, reporter: Reporter): Target {
  const { stream, to, targetDir } = values;
  const named = [stream, to, targetDir].filter((value) => value !== undefined);
  if (named.length > 1) {
    throw new BackupError('usage', '--stream, --to and --target-dir exclude each other');
  }
  // What is wrong with the options of a bucket is said in any case.
  storeAccessOf(values, reporter);
  const place = to === undefined ? undefined : parsePlace(to);
  // A bucket by itself is no name.
  if (place?.kind === 's3') parentOf(place);
  else warnOfBucketOptions(values, reporter);
  if (place) return { place };
  if (targetDir === undefined) return 'stream';
  refuseEncodedFiles(encoding);
  return { targetDir };
}

/**
 * Opens the target of a backup. It takes shape only when the server side is ready, so that a
 * refused backup leaves nothing behind; but a bucket is asked at once, before anything is locked.
 */
export async function openTarget(
  target: Target,
  values: StoreWriteValues,
  encoding: Encoding,
  run: { reporter: Reporter; signal: AbortSignal },
): Promise<BackupOptions['openStore']> {
  if (target === 'stream') {
    const sink = openStdout();
    return (begin) => ArchiveWriter.begin(sink, begin, encoding);
  }
  if ('targetDir' in target) return (begin) => DirectoryStore.create(target.targetDir, begin);
  const openPlace = await placeOpener(target.place, values, run);
  return async (begin) => await CommittedArchive.create(await openPlace(), begin, encoding);
}

/** A new directory, or a name in a bucket that nothing has. */
async function placeOpener(
  place: Place,
  values: StoreWriteValues,
  { reporter, signal }: { reporter: Reporter; signal: AbortSignal },
): Promise<() => Promise<BackupPlace>> {
  if (place.kind === 'file') return () => DirectoryPlace.create(place.path);
  const access = storeAccessOf(values, reporter);
  const { partBytes, partsMax, parallel } = access.s3;
  const warn = (message: string): void => {
    reporter.warn(message);
  };
  const options = { partBytes, partsMax, parallel, warn };
  const bucket = await BucketPlace.create(await openS3(place, access), options, signal);
  return () => Promise.resolve(bucket);
}

/** A directory of plain files is what a server starts on. */
function refuseEncodedFiles({ compression, encryption }: Encoding): void {
  if (!compression && !encryption) return;
  throw new BackupError('usage', '--target-dir takes plain files: no --compress, no --encrypt', {
    hint: 'compress and encrypt an archive: --to DIR, or a stream',
  });
}
