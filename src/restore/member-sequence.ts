import type { MemberEntry } from '../../formats/archive-record/index.ts';
import type { ChunkEvent, PayloadEvent, SparseEvent } from '../../formats/xbstream/index.ts';
import { BackupError } from '../errors.ts';
import type { PlannedChunk } from './chunk-plan.ts';
import type { MemberPlacer } from './member-placer.ts';

/**
 * What may lie between two chunks of a member that are given: nothing; a hole, in an archive of
 * another tool; or chunks that are left out, whose bytes count for nothing.
 */
export type Gaps = 'none' | 'holes' | 'left out';

/** Makes members of the chunks that the index lists: each begins where the one before ended. */
export class MemberSequence {
  readonly #placer: MemberPlacer;
  readonly #gaps: Gaps;
  /** How far each member that is open has come, bytes. */
  readonly #positions = new Map<MemberEntry, number>();

  constructor(placer: MemberPlacer, gaps: Gaps) {
    this.#placer = placer;
    this.#gaps = gaps;
  }

  async take({ entry }: PlannedChunk, event: ChunkEvent): Promise<void> {
    if (event.kind === 'payload' || event.kind === 'sparse') {
      await this.#goOn(entry, event.fileOffset);
      this.#positions.set(entry, event.fileOffset + spanOf(event));
    }
    await this.#placer.take(event);
  }

  /** All chunks of a member were taken. */
  async end(entry: MemberEntry): Promise<void> {
    const { path, size } = entry;
    await this.#goOn(entry, size);
    this.#positions.delete(entry);
    await this.#placer.take({ kind: 'end', path, ...nowhere });
  }

  async #goOn(entry: MemberEntry, offset: number): Promise<void> {
    const { path } = entry;
    const position = this.#positions.get(entry) ?? 0;
    if (offset === position || (this.#gaps === 'left out' && offset > position)) return;
    if (this.#gaps === 'holes' && offset > position) {
      await this.#placer.take({ kind: 'seek', path, fileOffset: offset, ...nowhere });
      return;
    }
    const message = `member ${path} of the index goes on at ${offset} instead of ${position}`;
    throw new BackupError('corrupt', message, { where: { path } });
  }
}

/** What is no chunk of the archive but follows from its index. */
const nowhere = { flags: 0, archiveOffset: 0, headerLength: 0 };

/** How far a chunk reaches in its file, bytes. */
function spanOf(event: PayloadEvent | SparseEvent): number {
  if (event.kind === 'payload') return event.length;
  return event.map.reduce((sum, { skip, length }) => sum + skip + length, 0);
}
