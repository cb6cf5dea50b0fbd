import type { ChunkEvent } from '../../formats/xbstream/index.ts';
import { BackupError } from '../errors.ts';
import type { NamePatterns } from './name-patterns.ts';

/** Lets those events of an archive pass that are of the members asked for. */
export class MemberFilter {
  readonly #include: NamePatterns;
  /** The payload at hand is one of theirs. */
  #isWanted = false;

  constructor(include: NamePatterns) {
    this.#include = include;
  }

  passes(event: ChunkEvent): boolean {
    if (event.kind === 'rename') this.#isWanted = this.#passesRename(event);
    else if ('path' in event) this.#isWanted = this.#include.match(event.path);
    return this.#isWanted;
  }

  /** What it was called before has passed or not by then. */
  #passesRename({ path, newPath }: { path: string; newPath: string }): boolean {
    const isWanted = this.#include.match(newPath);
    if (this.#include.match(path) === isWanted) return isWanted;
    throw new BackupError('usage', `${path} was renamed to ${newPath} during the backup`, {
      hint: 'include both names, or extract the whole archive',
    });
  }
}
