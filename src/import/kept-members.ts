import { metadataBytesMax } from '../../formats/metadata/index.ts';
import { SilentOutput } from '../restore/silent-output.ts';

/** The first bytes of files, as many as a text file of a backup can have. */
export class KeptMembers extends SilentOutput {
  readonly #kept = new Map<string, Buffer>();

  /** The first of these that is there. */
  find(names: readonly string[]): { name: string; bytes: Uint8Array } | undefined {
    for (const name of names) {
      const bytes = this.#kept.get(name);
      if (bytes) return { name, bytes };
    }
    return undefined;
  }

  override write(path: string, position: number, bytes: Uint8Array): Promise<void> {
    const before = this.#kept.get(path) ?? Buffer.alloc(0);
    const room = metadataBytesMax - before.length;
    if (position === before.length && room > 0) {
      this.#kept.set(path, Buffer.concat([before, bytes.subarray(0, room)]));
    }
    return Promise.resolve();
  }
}
