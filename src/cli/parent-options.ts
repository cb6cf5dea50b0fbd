import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { manifestName } from '../../formats/archive-record/index.ts';
import { directoryParent } from '../backup/parent/directory-parent.ts';
import { otherKey } from '../backup/parent/one-key.ts';
import { type Parent, parentByLsn } from '../backup/parent/parent.ts';
import { storedParent } from '../backup/parent/stored-parent.ts';
import { unfitParent } from '../backup/parent/unfit-parent.ts';
import { findBackup } from '../catalogue/find-backup.ts';
import { readCatalogue } from '../catalogue/read-catalogue.ts';
import { BackupError, toBackupError } from '../errors.ts';
import { type Place, parentOf, parsePlace } from '../store/place-url.ts';
import { type StoreAccess, openStore } from '../store/open-store.ts';
import { openSource } from './open-source.ts';
import { optionOf } from './option-of.ts';
import { parseCount } from './parse-values.ts';
import type { RunContext } from './run-command.ts';
import { type StoreValues, storeAccessOf } from './store-options.ts';

/** What an increment is taken on. */
export interface ParentValues extends StoreValues {
  incrementalBase?: string;
  incrementalBasedir?: string;
  backupIncrementalBase?: string;
  incrementalLsn?: number;
}

const attributes = [
  'incrementalBase',
  'incrementalBasedir',
  'backupIncrementalBase',
  'incrementalLsn',
] as const;

export function addParentOptions(command: Command): void {
  command
    .optionsGroup('An increment (default: a full backup):')
    .option(
      '--incremental-base <backup>',
      'on this backup: a path, a file: or s3: URL, an archive, or a directory as below',
    )
    .option(
      '--incremental-basedir <dir>',
      'on the backup that was extracted there, or that wrote there as --extra-lsndir',
    )
    .option('--backup-incremental-base <dir>', 'the same, as newer versions of XtraBackup call it')
    .option(
      '--incremental-lsn <lsn>',
      'on a backup of which nothing is known but the LSN that its redo starts at (not its to_lsn)',
      parseCount,
    );
}

/** Reads the parent that the options name; undefined for a full backup. */
export async function parentFor(
  values: ParentValues,
  key: Uint8Array | undefined,
  run: RunContext,
): Promise<Parent | undefined> {
  const named = attributes.filter((attribute) => values[attribute] !== undefined);
  if (named.length > 1) {
    throw new BackupError('usage', `${named.map(optionOf).join(' and ')} exclude each other`);
  }
  const { incrementalBase, incrementalBasedir, backupIncrementalBase, incrementalLsn } = values;
  if (incrementalLsn !== undefined) return byLsn(incrementalLsn, run);
  const base = incrementalBase ?? incrementalBasedir ?? backupIncrementalBase;
  return base === undefined ? undefined : await parentAt(base, values, key, run);
}

function byLsn(lsn: number, { reporter }: RunContext): Parent {
  reporter.warn(
    'nothing is known of the parent but an LSN: whether the increment fits cannot be checked, and ' +
      `only a backup whose redo starts at LSN ${lsn} or later may be below it. to_lsn is not that ` +
      'LSN: rather name the --extra-lsndir of the parent by --incremental-basedir',
  );
  return parentByLsn(lsn);
}

async function parentAt(
  base: string,
  values: StoreValues,
  key: Uint8Array | undefined,
  { reporter, signal }: RunContext,
): Promise<Parent> {
  const place = parsePlace(base);
  if (isPlainDirectory(place)) return directoryParent(place.path);
  const access = storeAccessOf(values, reporter, signal);
  const { archive, backup } = await openSource(base, access, signal).catch((error: unknown) => {
    const { code, message } = toBackupError(error);
    if (code !== 'incomplete' && code !== 'corrupt') throw error;
    throw unfitParent(base, message, { cause: error });
  });
  if (!archive) {
    throw unfitParent(base, 'it cannot be read at any offset', {
      hint: 'extract it and name the directory: --incremental-basedir',
    });
  }
  if (backup?.promised) {
    reporter.warn(
      `${base} was imported and has no index of ours: it and the increment do not come back by ` +
        'restore; extract both, then: xbpipe prepare DIR --incremental-dir DIR1',
    );
  }
  if (backup?.manifest.parentId !== undefined) await requireWholeChain(place, access, signal);
  return await storedParent({ archive, backup }, key, signal).catch((error: unknown) => {
    throw toBackupError(error).code === 'wrong-key' ? otherKey(base, error) : error;
  });
}

/** Where the backup is that an increment is taken on; undefined where nothing but its records may be. */
export function parentPlaceOf(values: ParentValues): Place | undefined {
  const base = values.incrementalBase ?? values.incrementalBasedir ?? values.backupIncrementalBase;
  if (base === undefined) return undefined;
  const place = parsePlace(base);
  return isPlainDirectory(place) ? undefined : place;
}

/** An increment is as good as what it was taken on. */
async function requireWholeChain(
  place: Place,
  access: StoreAccess,
  signal: AbortSignal,
): Promise<void> {
  const { parent, name } = parentOf(place);
  const store = await openStore(parent, access);
  const { problem } = findBackup(store, await readCatalogue(store, signal), name);
  if (problem !== undefined) throw unfitParent(store.urlOf(name), problem);
}

/** One that is no backup with a manifest, as `--to` makes them. */
function isPlainDirectory(place: Place): boolean {
  if (place.kind !== 'file') return false;
  const stat = statSync(place.path, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && !existsSync(join(place.path, manifestName));
}
