import {
  type Manifest,
  type MemberEntry,
  decodeManifest,
  encodeIndex,
  encodeManifest,
  manifestName,
} from '../../formats/archive-record/index.ts';
import { BackupError } from '../errors.ts';
import { NamePatterns } from '../restore/name-patterns.ts';
import { readArchive } from '../restore/read-archive.ts';
import { ArchiveObjects } from '../source/archive-objects.ts';
import { hasXbcloudFiles } from '../source/xbcloud-files.ts';
import { alreadyThere } from '../store/already-there.ts';
import type { ObjectStore } from '../store/object-store.ts';
import { KeptMembers } from './kept-members.ts';
import { factFiles, stockFacts } from './stock-facts.ts';

/** The index of an imported archive, which lies beside its manifest. */
const indexObjectName = 'index.json';

export interface ImportOptions {
  /** What the backup is to be called, beside the archive. */
  name: string;
  /** Of an encrypted archive. */
  key?: Uint8Array | undefined;
  onProgress?: (bytes: number, totalBytes: number) => void;
  signal?: AbortSignal;
}

/**
 * Makes a backup of an archive by a stock tool that is in a store already: reads and judges all of
 * it and puts an index and, last, a manifest below `name`. The archive itself stays where it is.
 */
export async function importArchive(
  store: ObjectStore,
  archiveKey: string,
  { name, key, onProgress, signal }: ImportOptions,
): Promise<Manifest> {
  await refuseUsed(store, name);
  await refuseXbcloud(store, archiveKey);
  const archive = await ArchiveObjects.open(store, [{ key: archiveKey }]);
  const kept = new KeptMembers();
  const { listed = [] } = await readArchive(archive.source(signal), kept, {
    include: new NamePatterns(factFiles),
    listing: true,
    decoding: { decompress: true, key },
    key,
    needKey: true,
    onBegin: refuseOwn,
    onProgress: (bytes) => onProgress?.(bytes, archive.size),
    ...(signal && { signal }),
  });
  const manifest: Manifest = {
    ...stockFacts(kept),
    ...encodingOf(listed, key),
    members: listed.length,
    plainBytes: listed.reduce((sum, { size }) => sum + size, 0),
    objects: [{ name: `../${archiveKey}`, size: archive.size }],
    index: indexObjectName,
  };
  await commit(store, name, manifest, listed);
  return manifest;
}

/** Index first: without a manifest it passes for nothing, and it goes when there will be none. */
async function commit(
  store: ObjectStore,
  name: string,
  manifest: Manifest,
  members: readonly MemberEntry[],
): Promise<void> {
  const bytes = encodeManifest(manifest);
  // A name that readers refuse must not get there.
  decodeManifest(bytes);
  const indexKey = `${name}/${indexObjectName}`;
  const manifestKey = `${name}/${manifestName}`;
  await store.put(indexKey, Buffer.concat([...encodeIndex(manifest.backupId, members)]));
  try {
    await store.put(manifestKey, bytes);
  } catch (error) {
    // Only when there is no manifest for sure; and what failed first is what is told.
    const manifest = await store.head(manifestKey).catch(() => 'unknown');
    if (manifest === undefined) await store.delete([indexKey]).catch(() => undefined);
    throw error;
  }
}

async function refuseUsed(store: ObjectStore, name: string): Promise<void> {
  const used = (await store.head(name)) ? name : await firstKey(store, `${name}/`);
  if (used === undefined) return;
  throw alreadyThere(store.urlOf(used), 'choose another name for the backup with --to');
}

/** An index names places in one archive; xbcloud's objects are as many as there are chunks. */
async function refuseXbcloud(store: ObjectStore, key: string): Promise<void> {
  if ((await store.head(key)) || !(await hasXbcloudFiles(store, `${key}/`))) return;
  const path = store.urlOf(key);
  throw new BackupError('usage', `${path} is what xbcloud put: many objects, not an archive`, {
    hint: 'restore, verify and extract take it as it is, with --from',
    where: { path },
  });
}

async function firstKey(store: ObjectStore, prefix: string): Promise<string | undefined> {
  for await (const { key } of store.list(prefix)) return key;
  return undefined;
}

function refuseOwn(): Promise<void> {
  throw new BackupError('usage', 'the archive is one of xbpipe: it has its index in itself', {
    hint: 'name it with --from as it is',
  });
}

/** As far as the names of the members tell. */
function encodingOf(
  members: readonly MemberEntry[],
  key: Uint8Array | undefined,
): Pick<Manifest, 'compression' | 'encryption'> {
  const anyIs = (suffix: RegExp): boolean => members.some(({ path }) => suffix.test(path));
  const codecs: [string, RegExp][] = [
    ['zstd', /\.zst(\.xbcrypt)?$/],
    ['lz4', /\.lz4(\.xbcrypt)?$/],
    ['qpress', /\.qp(\.xbcrypt)?$/],
  ];
  const [compression] = codecs.find(([, suffix]) => anyIs(suffix)) ?? [];
  const encryption = key && anyIs(/\.xbcrypt$/) ? `AES${key.length * 8}` : undefined;
  return { compression, encryption };
}
