import type { CataloguedBackup } from '../catalogue/chains.ts';
import type { UnreadableManifest } from '../catalogue/read-catalogue.ts';
import { shown } from '../shown.ts';
import type { ObjectStore } from '../store/object-store.ts';

/** Bytes that the objects of a backup take. */
export function storedBytes({ manifest }: CataloguedBackup): number {
  return manifest.objects.reduce((sum, { size }) => sum + size, 0);
}

/** For people; the place itself has no name below it. */
export function nameOf({ name }: { name: string }): string {
  return name === '' ? '.' : shown(name);
}

export function stateOf({ problem }: CataloguedBackup): string {
  return problem === undefined ? 'ok' : `broken: ${problem}`;
}

/** A backup for programs: its place in its chain, its state, and every field of its manifest. */
export function backupFields(store: ObjectStore, backup: CataloguedBackup): object {
  const { name, manifest, problem, parent, children } = backup;
  let first = backup;
  while (first.parent) first = first.parent;
  const { parentId, binlog, compression, encryption, index } = manifest;
  return {
    name,
    url: store.urlOf(name),
    state: problem === undefined ? 'ok' : 'broken',
    problem: problem ?? null,
    chain: first.name,
    parent: parent?.name ?? null,
    children: children.map((child) => child.name),
    storedBytes: storedBytes(backup),
    ...manifest,
    parentId: parentId ?? null,
    binlog: binlog ?? null,
    compression: compression ?? null,
    encryption: encryption ?? null,
    index: index ?? null,
  };
}

/** One whose manifest cannot be read has none of its fields. */
export function unreadableFields(store: ObjectStore, { name, error }: UnreadableManifest): object {
  return { name, url: store.urlOf(name), state: 'unreadable', problem: error.message };
}
