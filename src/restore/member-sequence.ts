import type { MemberEntry } from '../../formats/archive-record/index.ts';
import type { ChunkEvent } from '../../formats/xbstream/index.ts';
import { BackupError } from '../errors.ts';
import type { PlannedChunk } from './chunk-plan.ts';
import type { MemberPlacer } from './member-placer.ts';

/** Makes whole members of the chunks that the index lists: each begins where the one before ended. */
export class MemberSequence {
  readonly #placer: MemberPlacer;
  /** How far each member that is open has come, bytes. */
  readonly #positions = new Map<MemberEntry, number>();

  constructor(placer: MemberPlacer) {
    this.#placer = placer;
  }

  async take({ entry }: PlannedChunk, event: ChunkEvent): Promise<void> {
    if (event.kind === 'payload') {
      this.#goOn(entry, event.fileOffset);
      this.#positions.set(entry, event.fileOffset + event.length);
    }
    await this.#placer.take(event);
  }

  /** All chunks of a member were taken. */
  async end(entry: MemberEntry): Promise<void> {
    const { path, size } = entry;
    this.#goOn(entry, size);
    this.#positions.delete(entry);
    const nowhere = { flags: 0, archiveOffset: 0, headerLength: 0 };
    await this.#placer.take({ kind: 'end', path, ...nowhere });
  }

  #goOn(entry: MemberEntry, offset: number): void {
    const { path } = entry;
    const position = this.#positions.get(entry) ?? 0;
    if (offset === position) return;
    const message = `member ${path} of the index goes on at ${offset} instead of ${position}`;
    throw new BackupError('corrupt', message, { where: { path } });
  }
}
