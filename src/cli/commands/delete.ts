import type { Command } from 'commander';
import { planDeletion } from '../../catalogue/deletion.ts';
import { findBackup } from '../../catalogue/find-backup.ts';
import { findOrphans, idleOrphans, removeOrphans } from '../../catalogue/orphans.ts';
import { readCatalogue } from '../../catalogue/read-catalogue.ts';
import { BackupError } from '../../errors.ts';
import { parentOf, parsePlace } from '../../store/place-url.ts';
import { type ConfirmValues, addConfirmOption } from '../confirmed.ts';
import { formatBytes } from '../console-reporter.ts';
import { deleteIfConfirmed, deletionFields, deletionTable } from '../describe-deletion.ts';
import { orphanFields, orphansTable, warnOfUploads } from '../describe-orphans.ts';
import { nameOf } from '../describe-backup.ts';
import { openPlace } from '../open-place.ts';
import { parseNumber } from '../parse-values.ts';
import { printTable } from '../print-answer.ts';
import type { CommandContext, RunContext } from '../run-command.ts';
import { type StoreValues, addStoreOptions, storeAccessOf } from '../store-options.ts';

interface DeleteValues extends StoreValues, ConfirmValues {
  chain?: boolean;
  orphans?: boolean;
  minAge?: number;
  json?: boolean;
}

const minAgeHours = 24;

export function deleteCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('delete')
    .description('Deletes a backup, or what backups that died left; without --yes it only shows it')
    .argument('<url>', 'the backup, or with --orphans the place: a path, a file: or s3: URL')
    .option('--chain', 'together with every backup that was taken on it')
    .option('--orphans', 'objects without a manifest and open uploads below the place')
    .option(
      '--min-age <hours>',
      `only orphans that were idle for so long (default: ${minAgeHours}), as a running backup is one`,
      parseNumber,
    );
  addConfirmOption(command);
  addStoreOptions(command);
  context.register(command, async (values: DeleteValues, run) => {
    const isMeant = values.yes === true;
    if (values.orphans === true && values.chain === true) {
      throw new BackupError('usage', '--chain and --orphans exclude each other');
    }
    if (values.orphans !== true && values.minAge !== undefined) {
      throw new BackupError('usage', '--min-age goes with --orphans');
    }
    if (values.orphans === true) await deleteOrphans(values, isMeant, run);
    else await deleteBackup(values, isMeant, run);
  });
}

async function deleteBackup(
  values: DeleteValues,
  isMeant: boolean,
  run: RunContext,
): Promise<void> {
  const { parent, name } = parentOf(parsePlace(run.args[0] ?? ''));
  const store = await openPlace(parent, storeAccessOf(values, run.reporter, run.signal));
  const catalogue = await readCatalogue(store, run.signal);
  const backup = findBackup(store, catalogue, name);
  const deletion = planDeletion(catalogue, backup, values.chain === true);
  const fields = { dryRun: !isMeant, ...deletionFields(store, deletion) };
  printTable(values.json === true, fields, deletionTable(deletion));
  await deleteIfConfirmed(store, deletion, isMeant, run);
}

async function deleteOrphans(
  values: DeleteValues,
  isMeant: boolean,
  { reporter, signal, args }: RunContext,
): Promise<void> {
  const store = await openPlace(parsePlace(args[0] ?? ''), storeAccessOf(values, reporter, signal));
  const uploads = await store.openUploads('');
  const { found, knowsUploads } = findOrphans(await readCatalogue(store, signal), uploads);
  const { minAge = minAgeHours } = values;
  const { idle, tooYoung } = idleOrphans(found, minAge, new Date());
  warnOfUploads(knowsUploads, reporter);
  for (const { name, active } of tooYoung) {
    reporter.info(
      `${nameOf({ name })} is left: it may be running, something came in at ${active.toISOString()}`,
    );
  }
  const fields = {
    dryRun: !isMeant,
    knowsUploads,
    orphans: idle.map((orphan) => orphanFields(store, orphan)),
    tooYoung: tooYoung.map((orphan) => orphanFields(store, orphan)),
  };
  printTable(values.json === true, fields, orphansTable(idle));
  if (isMeant) {
    const removed = await removeOrphans(store, idle, signal);
    reporter.info(`deleted: ${removed} backups that never came to be`);
  } else {
    const bytes = idle.reduce((sum, { size }) => sum + size, 0);
    reporter.info(
      `nothing is deleted; with --yes: ${idle.length} backups that never came to be, ${formatBytes(bytes)}`,
    );
  }
}
