/** Places with backups made by hand: manifests that name objects of a few bytes. */
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Manifest, encodeManifest } from '../../formats/archive-record/index.ts';
import { type Catalogue, readCatalogue } from '../../src/catalogue/read-catalogue.ts';
import { objectKey } from '../../src/source/stored-backup.ts';
import { FileStore } from '../../src/store/file-store.ts';
import { scratchDir } from '../support/scratch.ts';

/** A manifest of a backup that began at `startedAt` and took an hour. */
export function manifestOf(
  backupId: string,
  startedAt: string,
  differing: Partial<Manifest> = {},
): Manifest {
  const start = new Date(startedAt);
  return {
    backupId,
    tool: 'xbpipe 0.1.0',
    flavour: 'mariadb',
    serverVersion: '10.11.19-MariaDB-log',
    pageSize: 16384,
    redoStart: 46_000,
    toLsn: 46_100,
    lastLsn: 46_200,
    binlog: { file: 'd1-bin.000005', position: 615, gtid: '0-1-6245' },
    startedAt: start.toISOString(),
    finishedAt: new Date(start.getTime() + 60 * 60 * 1000).toISOString(),
    members: 3,
    plainBytes: 5000,
    objects: [{ name: 'archive.xbs', size: 10 }],
    ...differing,
  };
}

/** A directory as a place for backups. */
export class Place {
  readonly root = scratchDir('place');
  readonly store = new FileStore(this.root);

  /** A backup whose id is its name, with all that its manifest names; `parent` is another's id. */
  backup(
    name: string,
    startedAt: string,
    { parent, ...differing }: Partial<Manifest> & { parent?: string } = {},
  ): this {
    const manifest = manifestOf(name, startedAt, { parentId: parent, ...differing });
    for (const object of manifest.objects) {
      this.file(objectKey(name, object.name), new Uint8Array(object.size));
    }
    if (manifest.index !== undefined) this.file(objectKey(name, manifest.index), 'index');
    return this.file(`${name}/manifest.json`, encodeManifest(manifest));
  }

  file(key: string, content: Uint8Array | string, modified?: string): this {
    const path = join(this.root, key);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    if (modified !== undefined) utimesSync(path, new Date(modified), new Date(modified));
    return this;
  }

  async read(): Promise<Catalogue> {
    return await readCatalogue(this.store);
  }

  async keys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const { key } of this.store.list('')) keys.push(key);
    return keys;
  }
}

/** A full backup and three increments: two in line, and one beside them on the full. */
export function chain(): Place {
  return new Place()
    .backup('mon', '2026-11-02T01:00:00Z')
    .backup('tue', '2026-11-03T01:00:00Z', { parent: 'mon' })
    .backup('wed', '2026-11-04T01:00:00Z', { parent: 'tue' })
    .backup('alt', '2026-11-05T01:00:00Z', { parent: 'mon' });
}
