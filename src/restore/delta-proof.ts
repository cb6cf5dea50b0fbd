import { DeltaDecoder, type DeltaPage } from '../../formats/delta/index.ts';
import {
  filHeader,
  isDoublewriteArea,
  pageLsnNumber,
  parseMysqlSpaceFlags,
  readSpaceHeader,
} from '../../formats/innodb/index.ts';
import { type DeltaMeta, decodeDeltaMeta } from '../../formats/metadata/index.ts';
import { toBackupError } from '../errors.ts';
import { flavours } from '../server/flavour.ts';
import { describingPageCheck, spaceIdentity } from '../tablespace/identify-space.ts';
import { damagedPage } from './damaged-page.ts';
import { type DescribingCheck, pageChecks } from './later-file-check.ts';
import { PageListDigest } from './page-list-digest.ts';
import type { KnownPages, PagesProof } from './page-proof.ts';

/** The pages of one `.delta` member, checked as its bytes pass by in order. */
export class DeltaProof implements PagesProof {
  readonly #path: string;
  readonly #known: KnownPages;
  readonly #meta: DeltaMeta;
  readonly #decoder: DeltaDecoder;
  /** A page is right when one of them says so. */
  #checks: DescribingCheck[] | undefined;
  readonly #list = new PageListDigest();
  readonly systemPageSize = undefined;
  /** Of the numbers of all pages, once it is at its end. */
  listDigest = '';
  pages = 0;
  youngest = { lsn: 0, page: 0 };

  /** `meta`: the `.meta` file that came before it. */
  constructor(path: string, meta: Uint8Array, known: KnownPages) {
    this.#path = path;
    this.#known = known;
    this.#meta = decodeDeltaMeta(meta);
    this.#decoder = new DeltaDecoder(this.#meta.pageSize);
  }

  push(_position: number, bytes: Uint8Array): void {
    this.#told(() => {
      // The decoder keeps what it was given until a page is whole.
      this.#decoder.push(bytes.slice());
      for (let page = this.#decoder.next(); page; page = this.#decoder.next()) this.#check(page);
    });
  }

  end(): void {
    this.#told(() => {
      this.#decoder.end();
    });
    this.listDigest = this.#list.end();
  }

  #check({ pageNumber, bytes, offset }: DeltaPage): void {
    this.#checks ??= this.#checksFor(pageNumber, bytes);
    if (pageNumber === 0) this.#requireSpace(bytes, offset);
    const faults = this.#checks.map((check) => check(bytes, pageNumber));
    if (!faults.includes(undefined)) {
      throw damagedPage(this.#path, pageNumber, offset, faults[0] ?? 'of no known format');
    }
    this.#list.add(pageNumber);
    const lsn = pageLsnNumber(bytes);
    if (lsn > this.youngest.lsn) this.youngest = { lsn, page: pageNumber };
    this.pages += 1;
  }

  /** A later file of the system tablespace has no page 0 that says it. */
  #requireSpace(page: Uint8Array, offset: number): void {
    const { spaceId } = filHeader.decode(page);
    if (spaceId === this.#meta.spaceId || this.#meta.spaceId === 0) return;
    const fault = `it is of space ${spaceId}, its .meta file of ${this.#meta.spaceId}`;
    throw damagedPage(this.#path, 0, offset, fault);
  }

  /** By page 0 where it comes first, by the flags in `.meta`, or by any format that can be. */
  #checksFor(pageNumber: number, page: Uint8Array): DescribingCheck[] {
    const { pageSize, zipSize, spaceId, spaceFlags } = this.#meta;
    const { flavour } = this.#known;
    // A later file of the system tablespace begins in its middle.
    const isLater = spaceId === 0 && pageNumber === 0 && filHeader.decode(page).pageNumber > 0;
    const header = pageNumber === 0 && !isLater ? readSpaceHeader(page) : undefined;
    if (header && flavour) return [describingPageCheck(spaceIdentity(header, flavour))];
    if (spaceFlags !== undefined && spaceId !== 0) {
      return [describingPageCheck({ spaceId, format: parseMysqlSpaceFlags(spaceFlags) })];
    }
    const formats = flavour ? [flavour] : flavours;
    const checks = pageChecks(formats, { spaceId, physicalPageSize: pageSize, zip: zipSize !== 0 });
    if (spaceId !== 0 || isLater) return checks;
    // Copies of other pages, which nothing can place.
    return checks.map(
      (check) => (bytes, number) =>
        isDoublewriteArea(number, pageSize) ? undefined : check(bytes, number),
    );
  }

  #told(run: () => void): void {
    try {
      run();
    } catch (error) {
      const fault = toBackupError(error);
      if (fault.where.path === undefined) fault.message = `${this.#path}: ${fault.message}`;
      throw fault;
    }
  }
}
