import {
  type MemberEntry,
  beginName,
  decodeBegin,
  decodePageRuns,
} from '../../formats/archive-record/index.ts';
import { metaName, isDeltaName, isMetaName, fileOfDelta } from '../../formats/delta/index.ts';
import { acceptedNames, commonNames, metadataBytesMax } from '../../formats/metadata/index.ts';
import { BackupError } from '../errors.ts';
import { encryptionSuffix } from '../transform/encoding.ts';
import { plainPath } from '../transform/member-decoder.ts';
import { DeltaProof } from './delta-proof.ts';
import { PageListDigest } from './page-list-digest.ts';
import { SilentOutput } from './silent-output.ts';
import { type KnownPages, PageProof, type PagesProof } from './page-proof.ts';

const tablespaceName = /\.(ibd|ibu)(\.new)?$|(^|\/)(ibdata\d*|undo_?\d{3})$/;
const metaBytesMax = 4096;
/** Their deltas come right behind them, but for what other threads write meanwhile. */
const metasMax = 1024;
const keptNames: readonly string[] = [
  ...acceptedNames.checkpoints,
  beginName,
  commonNames.backupMyCnf,
];

/** Proves what can be proved of the files of a backup as they pass by, and keeps none of them. */
export class MemberProofs extends SilentOutput {
  readonly #proofs = new Map<string, PagesProof>();
  /** `.meta` files, until their `.delta` comes. */
  readonly #metas = new Map<string, Uint8Array>();
  readonly #kept = new Map<string, Uint8Array>();
  /** Tablespaces whose every page was checked. */
  readonly #checked = new Set<string>();
  /** By the paths of deltas, what their lists of pages must digest to. */
  readonly #lists = new Map<string, string>();
  #systemPageSize: number | undefined;
  /** The youngest page of all, and where it is. */
  #youngest = { lsn: 0, where: '' };
  pages = 0;
  closedMembers = 0;

  /** The bytes of a small file that says what the backup is. */
  kept(path: string): Uint8Array | undefined {
    return this.#kept.get(path);
  }

  isChecked(path: string): boolean {
    return this.#checked.has(path);
  }

  override write(path: string, position: number, bytes: Uint8Array): Promise<void> {
    if (keptNames.includes(path)) this.#keep(path, bytes);
    if (isMetaName(path)) this.#keepMeta(path, bytes);
    const proof = this.#proofOf(path);
    proof?.push(position, bytes);
    this.#systemPageSize ??= proof?.systemPageSize;
    return Promise.resolve();
  }

  override close(path: string): Promise<void> {
    if (path.endsWith(encryptionSuffix)) this.closedMembers += 1;
    const proof = this.#proofs.get(path);
    if (!proof) return Promise.resolve();
    this.#proofs.delete(path);
    proof.end();
    this.pages += proof.pages;
    if (proof instanceof DeltaProof) this.#lists.set(path, proof.listDigest);
    const file = fileOfDelta(path);
    if (proof.pages > 0 || file !== path) this.#checked.add(file);
    this.#metas.delete(metaName(file));
    if (proof.youngest.lsn > this.#youngest.lsn) {
      const { lsn, page } = proof.youngest;
      this.#youngest = { lsn, where: `${path}: page ${page}` };
    }
    return Promise.resolve();
  }

  /** No page may be younger than the end of the redo. */
  requireLsn(lastLsn: bigint): void {
    const { lsn, where } = this.#youngest;
    if (lsn <= lastLsn) return;
    throw new BackupError('corrupt', `${where}: LSN ${lsn} is beyond the backup's end, ${lastLsn}`);
  }

  /** Deltas must have the pages that the index says: a chain is laid by what that says. */
  requireLists(index: readonly MemberEntry[]): void {
    for (const { path, delta } of index) {
      if (!delta) continue;
      const found = this.#lists.get(plainPath(path));
      if (found === undefined) throw wrongDelta(path, 'no .meta file came before it');
      if (delta.pages === undefined || found === digestOf(path, delta.pages)) continue;
      throw wrongDelta(path, 'it has other pages than the index says');
    }
  }

  #proofOf(path: string): PagesProof | undefined {
    const proof = this.#proofs.get(path) ?? this.#newProof(path);
    if (proof) this.#proofs.set(path, proof);
    return proof;
  }

  #newProof(path: string): PagesProof | undefined {
    if (tablespaceName.test(path)) return new PageProof(path, this.#known());
    const meta = isDeltaName(path) ? this.#metas.get(metaName(fileOfDelta(path))) : undefined;
    return meta && new DeltaProof(path, meta, this.#known());
  }

  /** It is a few lines; what is longer is something else. */
  #keepMeta(path: string, bytes: Uint8Array): void {
    const all = Buffer.concat([this.#metas.get(path) ?? new Uint8Array(0), bytes]);
    if (all.length <= metaBytesMax) this.#metas.set(path, all);
    const [oldest] = this.#metas.keys();
    if (this.#metas.size > metasMax && oldest !== undefined) this.#metas.delete(oldest);
  }

  /** The begin record comes before everything else, in archives that have one. */
  #known(): KnownPages {
    const bytes = this.#kept.get(beginName);
    const begin = bytes && decodeBegin(bytes);
    return { flavour: begin?.flavour, systemPageSize: begin?.pageSize ?? this.#systemPageSize };
  }

  #keep(path: string, bytes: Uint8Array): void {
    const all = Buffer.concat([this.#kept.get(path) ?? new Uint8Array(0), bytes]);
    if (all.length > metadataBytesMax) {
      throw new BackupError('corrupt', `${path} is longer than ${metadataBytesMax} bytes`);
    }
    this.#kept.set(path, all);
  }
}

function digestOf(path: string, pages: string): string {
  const digest = new PageListDigest();
  for (const { first, count } of decodePageRuns(pages, `${path} > delta > pages`)) {
    for (let page = first; page < first + count; page += 1) digest.add(page);
  }
  return digest.end();
}

function wrongDelta(path: string, fault: string): BackupError {
  return new BackupError('corrupt', `${path}: ${fault}`, { where: { path } });
}
