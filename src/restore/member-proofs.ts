import { beginName, decodeBegin } from '../../formats/archive-record/index.ts';
import { acceptedNames, metadataBytesMax } from '../../formats/metadata/index.ts';
import { BackupError } from '../errors.ts';
import type { Flavour } from '../server/flavour.ts';
import { encryptionSuffix } from '../transform/encoding.ts';
import type { MemberOutput } from './member-output.ts';
import { PageProof } from './page-proof.ts';

const tablespaceName = /\.(ibd|ibu)(\.new)?$|(^|\/)(ibdata\d*|undo_?\d{3})$/;
const keptNames: readonly string[] = [...acceptedNames.checkpoints, beginName];

/** Proves what can be proved of the files of a backup as they pass by, and keeps none of them. */
export class MemberProofs implements MemberOutput {
  readonly #proofs = new Map<string, PageProof>();
  readonly #kept = new Map<string, Uint8Array>();
  /** The youngest page of all, and where it is. */
  #youngest = { lsn: 0, where: '' };
  pages = 0;
  closedMembers = 0;

  /** The bytes of a small file that says what the backup is. */
  kept(path: string): Uint8Array | undefined {
    return this.#kept.get(path);
  }

  write(path: string, position: number, bytes: Uint8Array): Promise<void> {
    if (keptNames.includes(path)) this.#keep(path, bytes);
    if (tablespaceName.test(path)) this.#proofOf(path).push(position, bytes);
    return Promise.resolve();
  }

  close(path: string): Promise<void> {
    if (path.endsWith(encryptionSuffix)) this.closedMembers += 1;
    const proof = this.#proofs.get(path);
    if (!proof) return Promise.resolve();
    this.#proofs.delete(path);
    proof.end();
    this.pages += proof.pages;
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

  #proofOf(path: string): PageProof {
    const proof = this.#proofs.get(path) ?? new PageProof(path, this.#flavour());
    this.#proofs.set(path, proof);
    return proof;
  }

  /** The begin record comes before everything else, in archives that have one. */
  #flavour(): Flavour | undefined {
    const begin = this.#kept.get(beginName);
    return begin && decodeBegin(begin).flavour;
  }

  #keep(path: string, bytes: Uint8Array): void {
    const all = Buffer.concat([this.#kept.get(path) ?? new Uint8Array(0), bytes]);
    if (all.length > metadataBytesMax) {
      throw new BackupError('corrupt', `${path} is longer than ${metadataBytesMax} bytes`);
    }
    this.#kept.set(path, all);
  }
}
