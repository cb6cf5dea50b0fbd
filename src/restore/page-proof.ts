import { FormatError } from '../../formats/format-error.ts';
import { pageLsnNumber, readSpaceHeader, spaceHeaderBytes } from '../../formats/innodb/index.ts';
import type { BackupError } from '../errors.ts';
import { type Flavour, flavours } from '../server/flavour.ts';
import { describingPageCheck, spaceIdentity } from '../tablespace/identify-space.ts';
import { damagedPage } from './damaged-page.ts';
import { type DescribingCheck, pageChecks } from './later-file-check.ts';

const pageSizes = [4096, 8192, 16_384, 32_768, 65_536];
const pageBytesMax = 65_536;
const zeros = new Uint8Array(pageBytesMax);

/** What is known of a server's tablespaces before they come. */
export interface KnownPages {
  /** Of the server that wrote them; undefined when the archive does not say. */
  flavour: Flavour | undefined;
  /** Bytes of a page of the system tablespace; undefined when nothing has told yet. */
  systemPageSize: number | undefined;
}

/** Pages that are checked as the bytes of a member pass by. */
export interface PagesProof {
  push(position: number, bytes: Uint8Array): void;
  /** All of it came. */
  end(): void;
  /** That were right so far. */
  readonly pages: number;
  readonly youngest: { lsn: number; page: number };
  /** The page size, where the member begins the system tablespace. */
  readonly systemPageSize: number | undefined;
}

/** The pages of one tablespace, checked as its bytes pass by in order. */
export class PageProof implements PagesProof {
  readonly #path: string;
  readonly #known: KnownPages;
  /** The start of the page at hand; until the page size is known, of the file. */
  readonly #held = new Uint8Array(pageBytesMax);
  #heldBytes = 0;
  #position = 0;
  #pageSize = 0;
  /** A page is right when one of them says so; none when nothing is known to check by. */
  #checks: DescribingCheck[] | undefined;
  /** The page size, where this file begins the system tablespace. */
  systemPageSize: number | undefined;
  pages = 0;
  youngest = { lsn: 0, page: 0 };

  constructor(path: string, known: KnownPages) {
    this.#path = path;
    this.#known = known;
  }

  push(position: number, bytes: Uint8Array): void {
    while (this.#position < position) {
      const gap = Math.min(position - this.#position, zeros.length);
      this.#take(zeros.subarray(0, gap));
    }
    this.#take(bytes);
  }

  /** The last page of a tablespace is whole. */
  end(): void {
    if (!this.#checks?.length || this.#heldBytes === 0) return;
    throw this.#damaged(this.pages, `the file ends ${this.#heldBytes} bytes into the page`);
  }

  #take(bytes: Uint8Array): void {
    this.#position += bytes.length;
    let rest = bytes;
    if (!this.#checks) {
      rest = this.#hold(bytes, spaceHeaderBytes);
      if (this.#heldBytes < spaceHeaderBytes) return;
      this.#identify(this.#held.subarray(0, this.#heldBytes));
    }
    if (this.#checks?.length === 0) return;
    if (this.#heldBytes > 0) {
      rest = this.#hold(rest, this.#pageSize);
      if (this.#heldBytes < this.#pageSize) return;
      this.#heldBytes = 0;
      this.#check(this.#held.subarray(0, this.#pageSize));
    }
    let at = 0;
    for (; at + this.#pageSize <= rest.length; at += this.#pageSize) {
      this.#check(rest.subarray(at, at + this.#pageSize));
    }
    this.#hold(rest.subarray(at), this.#pageSize);
  }

  /** Keeps what is missing to `wanted` bytes; returns what is left over. */
  #hold(bytes: Uint8Array, wanted: number): Uint8Array {
    const part = bytes.subarray(0, wanted - this.#heldBytes);
    this.#held.set(part, this.#heldBytes);
    this.#heldBytes += part.length;
    return bytes.subarray(part.length);
  }

  /** Where a page 0 is still to come from the redo log nothing is known of the pages. */
  #identify(start: Uint8Array): void {
    const checks: DescribingCheck[] = [];
    this.#checks = checks;
    let failure: unknown;
    for (const flavour of this.#flavours) {
      try {
        const header = readSpaceHeader(start);
        if (!header) {
          this.#identifyLater();
          return;
        }
        const identity = spaceIdentity(header, flavour);
        this.#pageSize = identity.format.physicalPageSize;
        if (identity.spaceId === 0) this.systemPageSize = this.#pageSize;
        checks.push(describingPageCheck(identity));
      } catch (error) {
        failure = error;
      }
    }
    if (checks.length > 0) return;
    const inTheMiddle = failure instanceof FormatError && failure.field.endsWith('pageNumber');
    if (inTheMiddle && this.#isSystemFile) this.#identifyLater();
    else throw this.#damaged(0, failure instanceof Error ? failure.message : String(failure));
  }

  get #flavours(): readonly Flavour[] {
    return this.#known.flavour ? [this.#known.flavour] : flavours;
  }

  get #isSystemFile(): boolean {
    return /(^|\/)ibdata\d*$/.test(this.#path);
  }

  /** A later file of the system tablespace begins in its middle, maybe with a blank page. */
  #identifyLater(): void {
    const { systemPageSize = 0 } = this.#known;
    if (!this.#isSystemFile || !pageSizes.includes(systemPageSize)) return;
    this.#pageSize = systemPageSize;
    this.#checks = pageChecks(this.#flavours, {
      spaceId: 0,
      zip: false,
      physicalPageSize: systemPageSize,
    });
  }

  #check(page: Uint8Array): void {
    const number = this.pages;
    const faults = (this.#checks ?? []).map((check) => check(page, number));
    if (!faults.includes(undefined)) throw this.#damaged(number, faults[0] ?? '');
    const lsn = pageLsnNumber(page);
    if (lsn > this.youngest.lsn) this.youngest = { lsn, page: number };
    this.pages += 1;
  }

  #damaged(page: number, fault: string): BackupError {
    return damagedPage(this.#path, page, page * this.#pageSize, fault);
  }
}
