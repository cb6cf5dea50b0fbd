/** Archives in a store that tells what was read of them, and some members out of them. */
import { readArchiveIndex } from '../../src/archive/archive-index.ts';
import { type BackupError, toBackupError } from '../../src/errors.ts';
import type { MemberOutput } from '../../src/restore/member-output.ts';
import { NamePatterns } from '../../src/restore/name-patterns.ts';
import { type ReadMembersOptions, readMembers } from '../../src/restore/read-members.ts';
import { ArchiveObjects } from '../../src/source/archive-objects.ts';
import { FileStore } from '../../src/store/file-store.ts';
import type { ObjectFacts, ObjectRange } from '../../src/store/object-store.ts';

/** Objects in memory; every range that is read of them is noted. */
export class ObservedStore extends FileStore {
  /** As a bucket is read. */
  override readonly reading = { bytes: 16 * 1024 * 1024, parallel: 3 };
  readonly #objects: ReadonlyMap<string, Uint8Array>;
  readonly reads: { key: string; offset: number; length: number }[] = [];
  #underWay = 0;
  /** How many reads were under way at most. */
  mostUnderWay = 0;

  constructor(objects: ReadonlyMap<string, Uint8Array>) {
    super('/nowhere');
    this.#objects = objects;
  }

  override head(key: string): Promise<ObjectFacts | undefined> {
    const object = this.#objects.get(key);
    return Promise.resolve(object && { size: object.length, etag: undefined });
  }

  override async read({ key, offset }: ObjectRange, into: Uint8Array): Promise<void> {
    this.reads.push({ key, offset, length: into.length });
    this.#underWay += 1;
    this.mostUnderWay = Math.max(this.mostUnderWay, this.#underWay);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    into.set(this.#objects.get(key)?.subarray(offset, offset + into.length) ?? []);
    this.#underWay -= 1;
  }
}

/** An archive in one object, or cut into several. */
export async function storedArchive(
  bytes: Uint8Array,
  cuts: readonly number[] = [],
): Promise<{ store: ObservedStore; archive: ArchiveObjects }> {
  const ends = [...cuts, bytes.length];
  const parts = ends.map((end, i) => [`part${i}`, bytes.subarray(ends[i - 1] ?? 0, end)] as const);
  const store = new ObservedStore(new Map(parts));
  const promised = parts.map(([key]) => ({ key }));
  return { store, archive: await ArchiveObjects.open(store, promised) };
}

/** Files in memory; holes are zeros. */
class MemoryFiles implements MemberOutput {
  readonly files = new Map<string, Buffer>();

  write(path: string, position: number, bytes: Uint8Array): Promise<void> {
    const file = this.#sized(path, position + bytes.length);
    file.set(bytes, position);
    return Promise.resolve();
  }

  close(path: string, size: number): Promise<void> {
    this.#sized(path, size);
    return Promise.resolve();
  }

  rename(): Promise<void> {
    throw new Error('no member that is asked for by name is renamed');
  }

  remove(): Promise<void> {
    throw new Error('nor removed');
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  abandon(): Promise<void> {
    return Promise.resolve();
  }

  get tree(): Record<string, string> {
    const entries = [...this.files].map(
      ([path, bytes]) => [path, bytes.toString('latin1')] as const,
    );
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #sized(path: string, size: number): Buffer {
    const before = this.files.get(path) ?? Buffer.alloc(0);
    const file = before.length < size ? Buffer.concat([before], size) : before;
    this.files.set(path, file);
    return file;
  }
}

/** What the members of these names are, or the error that reading them ends in. */
export async function membersOf(
  archive: ArchiveObjects,
  globs: readonly string[],
  { key, ...options }: ReadMembersOptions & { key?: Uint8Array } = {},
): Promise<{ error: BackupError | undefined; tree: Record<string, string> }> {
  const output = new MemoryFiles();
  try {
    const index = await readArchiveIndex(archive, { key });
    if (!index) throw new Error('there is no index');
    const include = new NamePatterns(globs);
    const wanted = index.members.filter(({ path }) => include.match(path));
    include.requireMatch();
    await readMembers(archive, index, wanted, output, options);
    return { error: undefined, tree: output.tree };
  } catch (error) {
    return { error: toBackupError(error), tree: output.tree };
  }
}
