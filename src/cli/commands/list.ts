import type { Command } from 'commander';
import { isIncrement } from '../../../formats/archive-record/index.ts';
import type { CataloguedBackup } from '../../catalogue/chains.ts';
import { type Orphan, findOrphans } from '../../catalogue/orphans.ts';
import { type Catalogue, readCatalogue } from '../../catalogue/read-catalogue.ts';
import type { ObjectStore } from '../../store/object-store.ts';
import { parsePlace } from '../../store/place-url.ts';
import { formatBytes } from '../console-reporter.ts';
import {
  backupFields,
  nameOf,
  stateOf,
  storedBytes,
  unreadableFields,
} from '../describe-backup.ts';
import { orphanFields, orphansTable, warnOfUploads } from '../describe-orphans.ts';
import { openPlace } from '../open-place.ts';
import { printTable } from '../print-answer.ts';
import { tableText } from '../print-table.ts';
import type { CommandContext, RunContext } from '../run-command.ts';
import { type StoreValues, addStoreOptions, storeAccessOf } from '../store-options.ts';
import { warnIfEmpty } from '../warn-if-empty.ts';

interface ListValues extends StoreValues {
  orphans?: boolean;
  json?: boolean;
}

export function listCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('list')
    .description('Shows the backups below a place, as chains, from their manifests alone')
    .argument('<url>', 'a directory or a bucket: a path, a file: or s3: URL')
    .option(
      '--orphans',
      'what passes for nothing instead: objects without a manifest, open uploads',
    );
  addStoreOptions(command);
  context.register(command, async (values: ListValues, run) => {
    const url = run.args[0] ?? '';
    const store = await openPlace(parsePlace(url), storeAccessOf(values, run.reporter, run.signal));
    if (values.orphans === true) await listOrphans(store, values, run);
    else await listBackups(store, values, run);
  });
}

async function listBackups(
  store: ObjectStore,
  { json }: ListValues,
  { reporter, signal }: RunContext,
): Promise<void> {
  const catalogue = await readCatalogue(store, signal);
  warnIfEmpty(store, catalogue, reporter);
  const { backups, unreadable } = catalogue;
  const broken = backups.filter(({ problem }) => problem !== undefined).length;
  reporter.info(
    `${backups.length + unreadable.length} backups, ${broken + unreadable.length} not ok`,
  );
  const orphans = findOrphans(catalogue, undefined).found.length;
  if (orphans > 0) reporter.info(`${orphans} more have no manifest: xbpipe list --orphans`);
  printTable(json === true, fieldsOf(store, catalogue), tableOf(catalogue));
}

function fieldsOf(store: ObjectStore, { backups, unreadable }: Catalogue): object {
  const all = [
    ...backups.map((backup) => backupFields(store, backup)),
    ...unreadable.map((one) => unreadableFields(store, one)),
  ];
  return { url: store.urlOf(''), backups: all };
}

const columns = [
  { heading: 'NAME' },
  { heading: 'TYPE' },
  { heading: 'SERVER' },
  { heading: 'STARTED' },
  { heading: 'STORED', alignRight: true },
  { heading: 'RESTORED', alignRight: true },
  { heading: 'LSN' },
  { heading: 'BINLOG' },
  { heading: 'STATE' },
];

function tableOf({ backups, unreadable }: Catalogue): string {
  const unknown = unreadable.map((one) => [
    nameOf(one),
    ...columns.slice(2).map(() => '-'),
    `unreadable: ${one.error.message}`,
  ]);
  return tableText(columns, [...backups.map(rowOf), ...unknown]);
}

function rowOf(backup: CataloguedBackup): string[] {
  const { manifest } = backup;
  const { flavour, serverVersion, startedAt, redoStart, lastLsn, binlog } = manifest;
  return [
    branchOf(backup) + nameOf(backup),
    isIncrement(manifest) ? 'incremental' : 'full',
    `${flavour} ${serverVersion}`,
    startedAt,
    formatBytes(storedBytes(backup)),
    formatBytes(manifest.plainBytes),
    `${redoStart}-${lastLsn}`,
    binlog ? `${binlog.file}:${binlog.position}` : '-',
    stateOf(backup),
  ];
}

/** The lines of a tree up to a backup. */
function branchOf(backup: CataloguedBackup): string {
  let branch = '';
  for (let at = backup; at.parent; at = at.parent) {
    const isLast = at.parent.children.at(-1) === at;
    if (at === backup) branch = isLast ? '└─ ' : '├─ ';
    else branch = (isLast ? '   ' : '│  ') + branch;
  }
  return branch;
}

async function listOrphans(
  store: ObjectStore,
  { json }: ListValues,
  { reporter, signal }: RunContext,
): Promise<void> {
  const uploads = await store.openUploads('');
  const catalogue = await readCatalogue(store, signal);
  const { found, knowsUploads } = findOrphans(catalogue, uploads);
  if (found.length === 0) warnIfEmpty(store, catalogue, reporter);
  warnOfUploads(knowsUploads, reporter);
  reporter.info(`${found.length} backups that never came to be, or are running`);
  const orphans = found.map((orphan: Orphan) => orphanFields(store, orphan));
  const fields = { url: store.urlOf(''), knowsUploads, orphans };
  printTable(json === true, fields, orphansTable(found));
}
