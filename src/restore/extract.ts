import type { ChunkEvent, SparseRun } from '../../formats/xbstream/index.ts';
import { ArchiveChecker, type ArchiveSummary } from '../archive/archive-checker.ts';
import { toBackupError } from '../errors.ts';
import { MemberFiles } from '../sink/member-files.ts';
import type { StagedDirectory } from '../sink/staged-directory.ts';
import type { ByteSource } from '../source/byte-source.ts';

export interface ExtractOptions {
  anyArchive?: boolean;
  /** Called with every member that is complete. */
  onMember?: (path: string) => void;
  /** Called with the archive bytes taken so far. */
  onProgress?: (archiveBytes: number) => void;
  signal?: AbortSignal;
}

/**
 * Brings an archive's members into a staged directory and returns once the
 * archive is proved whole. The caller commits the directory, or leaves it as a
 * partial one.
 */
export async function extract(
  source: ByteSource,
  directory: StagedDirectory,
  options: ExtractOptions,
): Promise<ArchiveSummary> {
  const checker = new ArchiveChecker({ anyArchive: options.anyArchive ?? false });
  const placer = new MemberPlacer(new MemberFiles(directory), options.onMember);
  try {
    let archiveBytes = 0;
    for await (const bytes of source.bytes) {
      options.signal?.throwIfAborted();
      for (const event of checker.push(bytes)) await placer.take(event);
      archiveBytes += bytes.length;
      options.onProgress?.(archiveBytes);
    }
    const summary = checker.end();
    await placer.files.settle();
    return summary;
  } catch (error) {
    await placer.files.abandon();
    throw toBackupError(error);
  }
}

/** Turns the events of an archive into writes; holes of sparse chunks stay holes. */
class MemberPlacer {
  readonly files: MemberFiles;
  readonly #onMember: ((path: string) => void) | undefined;
  /** Size so far of every open member. */
  readonly #sizes = new Map<string, number>();
  #path = '';
  #runs: SparseRun[] = [];

  constructor(files: MemberFiles, onMember: ((path: string) => void) | undefined) {
    this.files = files;
    this.#onMember = onMember;
  }

  async take(event: ChunkEvent): Promise<void> {
    switch (event.kind) {
      case 'payload':
        this.#start(event.path, [{ skip: 0, length: event.length }]);
        break;
      case 'sparse':
        this.#start(event.path, event.map);
        break;
      case 'data':
        await this.#data(event.bytes);
        break;
      case 'seek':
        this.#sizes.set(event.path, event.fileOffset);
        break;
      case 'end':
        await this.files.close(event.path, this.#sizes.get(event.path) ?? 0);
        this.#sizes.delete(event.path);
        this.#onMember?.(event.path);
        break;
      case 'rename':
        await this.files.rename(event.path, event.newPath);
        break;
      case 'remove':
        await this.files.remove(event.path);
        break;
      case 'checked':
        this.#skipHoles();
        break;
      case 'ignored':
        break;
    }
  }

  #start(path: string, map: readonly SparseRun[]): void {
    this.#path = path;
    this.#runs = map.map((run) => ({ ...run }));
  }

  async #data(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      this.#skipHoles();
      const run = this.#runs[0];
      if (!run) return;
      const length = Math.min(run.length, bytes.length - at);
      const position = this.#sizes.get(this.#path) ?? 0;
      await this.files.write(this.#path, position, bytes.subarray(at, at + length));
      this.#sizes.set(this.#path, position + length);
      this.#runs[0] = { skip: 0, length: run.length - length };
      at += length;
    }
  }

  /** Moves over the holes that come before the next byte of payload, or the end of the chunk. */
  #skipHoles(): void {
    while (this.#runs[0]) {
      const { skip, length } = this.#runs[0];
      this.#sizes.set(this.#path, (this.#sizes.get(this.#path) ?? 0) + skip);
      if (length > 0) {
        this.#runs[0] = { skip: 0, length };
        return;
      }
      this.#runs.shift();
    }
  }
}
