import {
  type SpaceFormat,
  isPageCompressed,
  parseMysqlSpaceFlags,
  parseSpaceFlags,
  readSpaceHeader,
} from '../../formats/innodb/index.ts';

/** What file systems make holes of. */
const blockBytes = 4096;
const zeros = new Uint8Array(blockBytes);
/** Enough of a page for its type. */
const headerBytes = 26;

/** A part of the bytes that is to be written. */
export interface Run {
  position: number;
  bytes: Uint8Array;
}

/**
 * Finds the holes of a page-compressed tablespace again: on the source, the rest of a page
 * behind its compressed data takes no room on the disk, and with MariaDB a page that was never
 * written takes none at all. Written in order, from its first byte.
 */
export class PageHoles {
  readonly #formats: readonly SpaceFormat[];
  readonly #pageSize: number;
  /** Whether unwritten pages are holes as well. */
  readonly #sparse: boolean;
  /** Whether the page that the last bytes ended in may have holes. */
  #holed = false;

  private constructor(formats: readonly SpaceFormat[], pageSize: number) {
    this.#formats = formats;
    this.#pageSize = pageSize;
    this.#sparse = formats.some(({ pageCompressed = false }) => pageCompressed !== false);
  }

  /** By the first bytes of a file; undefined when it can have no such holes. */
  static of(path: string, start: Uint8Array): PageHoles | undefined {
    if (!path.endsWith('.ibd') && !path.endsWith('.ibd.new')) return undefined;
    const formats = formatsOf(start);
    const pageSize = formats[0]?.physicalPageSize ?? 0;
    return pageSize > blockBytes ? new PageHoles(formats, pageSize) : undefined;
  }

  /** The parts of `bytes` that are no holes. */
  *runs(position: number, bytes: Uint8Array): Generator<Run> {
    let from = 0;
    for (let at = 0; at < bytes.length;) {
      const offset = position + at;
      if (offset % this.#pageSize === 0) this.#holed = this.#hasHoles(bytes.subarray(at));
      const next = Math.min(bytes.length, at + blockBytes - (offset % blockBytes));
      if (this.#holed && isZeroBlock(bytes.subarray(at, next))) {
        if (at > from) yield { position: position + from, bytes: bytes.subarray(from, at) };
        from = next;
      }
      at = next;
    }
    if (bytes.length > from) yield { position: position + from, bytes: bytes.subarray(from) };
  }

  #hasHoles(page: Uint8Array): boolean {
    if (page.length < headerBytes) return false;
    if (this.#sparse && isZero(page.subarray(0, headerBytes))) return true;
    return this.#formats.some((format) => isPageCompressed(page, format));
  }
}

/** Where nothing says whose tablespace it is, the flags may mean one of either. */
function formatsOf(page0: Uint8Array): SpaceFormat[] {
  const formats: SpaceFormat[] = [];
  for (const parse of [parseMysqlSpaceFlags, parseSpaceFlags]) {
    try {
      const header = readSpaceHeader(page0);
      if (header) formats.push(parse(header.flags));
    } catch {
      // Not of this kind, or damaged: then it is written as it is.
    }
  }
  return formats;
}

function isZeroBlock(block: Uint8Array): boolean {
  return block.length === blockBytes && isZero(block);
}

function isZero(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes, zeros.subarray(0, bytes.length)) === 0;
}
