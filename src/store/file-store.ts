import { lstat, mkdir, open, readdir, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BackupError, hasCode, toBackupError } from '../errors.ts';
import type {
  ObjectFacts,
  ObjectRange,
  ObjectStore,
  OpenUpload,
  ReadOptions,
  StoredObject,
} from './object-store.ts';
import { stageName } from './stage-name.ts';
import { writeNewFile } from './write-new-file.ts';

/** A directory as a store. What is still in a stage counts as an upload left open, not as objects. */
export class FileStore implements ObjectStore {
  /** The kernel reads ahead by itself. */
  readonly reading = { bytes: 1024 * 1024, parallel: 2 };
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  urlOf(key: string): string {
    return join(this.#root, key);
  }

  async head(key: string): Promise<ObjectFacts | undefined> {
    return await this.#on(key, async (path) => {
      const found = await stat(path).catch(absent);
      if (!found?.isFile()) return undefined;
      return { size: found.size, etag: undefined };
    });
  }

  async read(
    { key, offset }: ObjectRange,
    into: Uint8Array,
    { onFilled }: ReadOptions = {},
  ): Promise<void> {
    await this.#on(key, async (path) => {
      const file = await open(path, 'r');
      try {
        for (let filled = 0; filled < into.length;) {
          const left = into.length - filled;
          const { bytesRead } = await file.read(into, filled, left, offset + filled);
          if (bytesRead === 0) throw endsAt(path, offset + filled);
          filled += bytesRead;
          onFilled?.(filled);
        }
      } finally {
        await file.close();
      }
    });
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#on(key, async (path) => {
      await mkdir(dirname(path), { recursive: true, mode: 0o750 });
      await writeNewFile(path, bytes);
    });
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    const found = await this.#files(prefix);
    for (const key of found.filter((key) => !key.split('/').includes(stageName))) {
      const facts = await this.#on(key, async (path) => await lstat(path).catch(absent));
      if (facts?.isFile()) yield { key, size: facts.size, modified: facts.mtime };
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      await this.#on(key, async (path) => {
        await unlink(path).catch(absent);
        await removeEmpty(this.#root, key);
      });
    }
  }

  async openUploads(prefix: string): Promise<OpenUpload[]> {
    const uploads = new Map<string, OpenUpload>();
    for (const path of await this.#files(prefix)) {
      const segments = path.split('/');
      const at = segments.indexOf(stageName);
      if (at < 0) continue;
      const key = segments.slice(0, at).join('/');
      const found = await lstat(join(this.#root, path)).catch(absent);
      const { size, active } = uploads.get(key) ?? { size: 0, active: new Date(0) };
      uploads.set(key, {
        key,
        id: stageName,
        size: size + (found?.isFile() === true ? found.size : 0),
        active: found && found.mtime > active ? found.mtime : active,
      });
    }
    return [...uploads.values()];
  }

  async abortUpload({ key, id }: OpenUpload): Promise<void> {
    await this.#on(key, async (path) => {
      await rm(join(path, id), { recursive: true, force: true });
      await removeEmpty(this.#root, join(key, id));
    });
  }

  /**
   * Files whose path below the root begins with `prefix`, and stages, which may be empty. Links
   * are not followed: what they lead to would be there twice, and be deleted under both names.
   */
  async #files(prefix: string): Promise<string[]> {
    const found: string[] = [];
    const walk = async (directory: string): Promise<void> => {
      const entries = await this.#on(
        directory,
        async (path) => (await readdir(path, { withFileTypes: true }).catch(absent)) ?? [],
      );
      for (const entry of entries) {
        const path = directory + entry.name;
        if (entry.isFile() || entry.name === stageName) found.push(path);
        if (entry.isDirectory() && entry.name !== 'lost+found') await walk(`${path}/`);
      }
    };
    await walk(prefix.slice(0, prefix.lastIndexOf('/') + 1));
    return found.filter((path) => path.startsWith(prefix)).sort();
  }

  async #on<T>(key: string, step: (path: string) => Promise<T>): Promise<T> {
    try {
      return await step(this.urlOf(key));
    } catch (error) {
      throw toBackupError(error, 'storage');
    }
  }
}

function absent(error: unknown): undefined {
  if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined;
  throw error;
}

function endsAt(path: string, offset: number): BackupError {
  return new BackupError('incomplete', `${path} ends at byte ${offset}`, {
    where: { path, offset },
  });
}

/** Removes the directories that led to `key` and hold nothing any more, but not the root. */
async function removeEmpty(root: string, key: string): Promise<void> {
  for (let at = dirname(key); at !== '.'; at = dirname(at)) {
    const isGone = await rmdir(join(root, at)).then(
      () => true,
      () => false,
    );
    if (!isGone) return;
  }
}
