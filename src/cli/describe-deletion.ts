import type { Deletion } from '../catalogue/deletion.ts';
import { carryOut } from '../catalogue/deletion.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { formatBytes } from './console-reporter.ts';
import { tableText } from './print-table.ts';
import type { RunContext } from './run-command.ts';

/** For programs. */
export function deletionFields(store: ObjectStore, { backups, objects }: Deletion): object {
  return {
    backups: backups.map(({ name }) => name),
    objects: objects.map(({ key, size }) => ({ url: store.urlOf(key), size })),
    bytes: bytesOf({ objects }),
  };
}

/** For people: every object, in the order in which it goes. */
export function deletionTable({ objects }: Deletion): string {
  return tableText(
    [{ heading: 'OBJECT' }, { heading: 'BYTES', alignRight: true }],
    objects.map(({ key, size }) => [key, String(size)]),
  );
}

/** Deletes it if that was confirmed, and says what is or would be gone. */
export async function deleteIfConfirmed(
  store: ObjectStore,
  deletion: Deletion,
  isMeant: boolean,
  { reporter, signal }: RunContext,
): Promise<void> {
  const { backups, objects } = deletion;
  const what = `${backups.length} backups, ${objects.length} objects, ${formatBytes(bytesOf(deletion))}`;
  if (isMeant) {
    await carryOut(store, deletion, signal);
    reporter.info(`deleted: ${what}`);
  } else {
    reporter.info(`nothing is deleted; with --yes: ${what}`);
  }
}

function bytesOf({ objects }: Pick<Deletion, 'objects'>): number {
  return objects.reduce((sum, { size }) => sum + size, 0);
}
