import type { Orphan } from '../catalogue/orphans.ts';
import type { Reporter } from '../reporter.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { formatBytes } from './console-reporter.ts';
import { nameOf } from './describe-backup.ts';
import { tableText } from './print-table.ts';

/** For programs. */
export function orphanFields(store: ObjectStore, orphan: Orphan): object {
  const { name, objects, uploads, size, active } = orphan;
  return {
    name,
    url: store.urlOf(name),
    size,
    active: active.toISOString(),
    objects: objects.map(({ key, ...facts }) => ({ url: store.urlOf(key), ...facts })),
    uploads: uploads.map(({ key, ...facts }) => ({ url: store.urlOf(key), ...facts })),
  };
}

const columns = [
  { heading: 'NAME' },
  { heading: 'KIND' },
  { heading: 'KEY' },
  { heading: 'SIZE', alignRight: true },
  { heading: 'LAST ACTIVITY' },
];

/** For people: one line for each object and each upload. */
export function orphansTable(orphans: readonly Orphan[]): string {
  const rows = orphans.flatMap((orphan) => {
    const row = (kind: string, key: string, size: number, active: Date): string[] => [
      nameOf(orphan),
      kind,
      key,
      formatBytes(size),
      active.toISOString(),
    ];
    return [
      ...orphan.objects.map(({ key, size, modified }) => row('object', key, size, modified)),
      ...orphan.uploads.map(({ key, size, active }) => row('upload', key, size, active)),
    ];
  });
  return tableText(columns, rows);
}

export function warnOfUploads(knowsUploads: boolean, reporter: Reporter): void {
  if (knowsUploads) return;
  reporter.warn('the store does not tell which uploads were left open: they are not among these');
}
