import { open, readdir, rm, rmdir, stat, unlink, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BackupError, hasCode, toBackupError } from '../errors.ts';
import { stageName } from '../sink/staged-directory.ts';
import type {
  ObjectFacts,
  ObjectRange,
  ObjectStore,
  OpenUpload,
  StoredObject,
} from './object-store.ts';

/** A directory as a store. What is still in a stage counts as an upload left open, not as objects. */
export class FileStore implements ObjectStore {
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

  async read({ key, offset }: ObjectRange, into: Uint8Array): Promise<void> {
    await this.#on(key, async (path) => {
      const file = await open(path, 'r');
      try {
        for (let filled = 0; filled < into.length;) {
          const left = into.length - filled;
          const { bytesRead } = await file.read(into, filled, left, offset + filled);
          if (bytesRead === 0) throw endsAt(path, offset + filled);
          filled += bytesRead;
        }
      } finally {
        await file.close();
      }
    });
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#on(key, async (path) => {
      await mkdir(dirname(path), { recursive: true, mode: 0o750 });
      const file = await open(path, 'wx', 0o640);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
    });
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    for (const key of await this.#files(prefix)) {
      const found = await this.#on(key, async (path) => await stat(path).catch(absent));
      if (found?.isFile()) yield { key, size: found.size, modified: found.mtime };
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      await this.#on(key, async (path) => {
        await unlink(path).catch(absent);
        await removeEmpty(dirname(path), this.#root);
      });
    }
  }

  async openUploads(prefix: string): Promise<OpenUpload[]> {
    const newest = new Map<string, Date>();
    for (const entry of await this.#entries(prefix)) {
      const segments = entry.split('/');
      const at = segments.indexOf(stageName);
      if (at < 0) continue;
      const key = segments.slice(0, at).join('/');
      const found = await stat(join(this.#root, entry)).catch(absent);
      const active = newest.get(key) ?? new Date(0);
      newest.set(key, found && found.mtime > active ? found.mtime : active);
    }
    return [...newest].map(([key, active]) => ({ key, id: stageName, active }));
  }

  async abortUpload({ key, id }: OpenUpload): Promise<void> {
    await this.#on(key, async (path) => {
      await rm(join(path, id), { recursive: true, force: true });
      await removeEmpty(path, this.#root);
    });
  }

  async #files(prefix: string): Promise<string[]> {
    const entries = await this.#entries(prefix);
    return entries.filter((entry) => !entry.split('/').includes(stageName));
  }

  /** Files and directories whose path below the root begins with `prefix`. */
  async #entries(prefix: string): Promise<string[]> {
    return await this.#on('', async (root) => {
      const found = (await readdir(root, { recursive: true }).catch(absent)) ?? [];
      return found.filter((entry) => entry.startsWith(prefix)).sort();
    });
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

/** Removes directories that hold nothing any more, up to the root. */
async function removeEmpty(directory: string, root: string): Promise<void> {
  for (let at = directory; at !== root && at.startsWith(root); at = dirname(at)) {
    const isGone = await rmdir(at).then(
      () => true,
      () => false,
    );
    if (!isGone) return;
  }
}
