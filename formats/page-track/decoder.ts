import { ByteQueue } from '../byte-queue.ts';
import { FormatError } from '../format-error.ts';
import { dataView } from '../layout.ts';
import { StickyFailure } from '../sticky-failure.ts';
import { noId, pageId } from './page-id.ts';

/** Most entries that are handed out at once. */
const entriesMax = 8192;

/**
 * Takes page ids out of a list of changed pages. Give it input with `push`, take ids with `next`
 * until it returns undefined, and call `end` behind the last input. The format does not tell
 * where a list ends: whether it is all there, only the server's count says. After a failure it
 * fails the same way again.
 */
export class PageTrackDecoder {
  readonly #queue = new ByteQueue();
  readonly #failure = new StickyFailure();

  push(bytes: Uint8Array): void {
    this.#queue.push(bytes);
  }

  /**
   * The next ids, space and page by turns, or undefined when more input is needed.
   * @throws FormatError invalid when one of them names nothing.
   */
  next(): Uint32Array | undefined {
    return this.#failure.run(() => {
      const count = Math.min(entriesMax, Math.floor(this.#queue.available / pageId.size));
      if (count === 0) return undefined;
      const offset = this.#queue.position;
      const view = dataView(this.#queue.take(count * pageId.size));
      const ids = new Uint32Array(count * 2);
      for (let index = 0; index < ids.length; index += 1) {
        const id = view.getUint32(index * 4);
        if (id === noId) throw nameless(index, offset);
        ids[index] = id;
      }
      return ids;
    });
  }

  /** @throws FormatError truncated when the input ended inside an entry. */
  end(): void {
    this.#failure.run(() => {
      const { available, position } = this.#queue;
      if (available === 0) return;
      const field = `page id > ${available < pageId.offset.pageNumber ? 'spaceId' : 'pageNumber'}`;
      const message = `${pageId.size} bytes wanted, ${available} there`;
      throw new FormatError('truncated', field, position + available, message);
    });
  }
}

function nameless(index: number, offset: number): FormatError {
  const field = `page id > ${index % 2 === 0 ? 'spaceId' : 'pageNumber'}`;
  return new FormatError('invalid', field, offset + index * 4, `${noId} names nothing`);
}
