import { metadataBytesMax } from '../../formats/metadata/index.ts';
import type { MemberOutput } from '../restore/member-output.ts';

/** The first bytes of files, as many as a text file of a backup can have. */
export class KeptMembers implements MemberOutput {
  readonly #kept = new Map<string, Buffer>();

  /** The first of these that is there. */
  find(names: readonly string[]): { name: string; bytes: Uint8Array } | undefined {
    for (const name of names) {
      const bytes = this.#kept.get(name);
      if (bytes) return { name, bytes };
    }
    return undefined;
  }

  write(path: string, position: number, bytes: Uint8Array): Promise<void> {
    const before = this.#kept.get(path) ?? Buffer.alloc(0);
    const room = metadataBytesMax - before.length;
    if (position === before.length && room > 0) {
      this.#kept.set(path, Buffer.concat([before, bytes.subarray(0, room)]));
    }
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  rename(): Promise<void> {
    return Promise.resolve();
  }

  remove(): Promise<void> {
    return Promise.resolve();
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }

  abandon(): Promise<void> {
    return Promise.resolve();
  }
}
