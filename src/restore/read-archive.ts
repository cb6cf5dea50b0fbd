import type { BeginRecord } from '../../formats/archive-record/index.ts';
import { ArchiveChecker, type ArchiveSummary } from '../archive/archive-checker.ts';
import { type BackupError, toBackupError } from '../errors.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { type Decoding, noDecoding } from '../transform/member-decoder.ts';
import { DecodePool } from './decode/decode-pool.ts';
import type { MemberOutput } from './member-output.ts';
import { MemberPlacer } from './member-placer.ts';

export interface ReadOptions {
  anyArchive?: boolean;
  /** What is undone to members on the way. */
  decoding?: Decoding;
  /** Of an encrypted backup, to check who wrote it, whether or not members are decrypted. */
  key?: Uint8Array | undefined;
  /** Refuse a member that would stay encrypted: what is restored must be readable. */
  needKey?: boolean;
  /** How many threads may decode members. */
  decodeThreads?: number;
  /**
   * Hears of what stops too early: the archive between two chunks, or what is inside of an
   * encoded member. Without it that is a failure; with it, what came counts for whole.
   */
  onCut?: (fault: BackupError) => void;
  /** Called once, with the begin record of an archive that has one, before anything is written. */
  onBegin?: (begin: BeginRecord) => Promise<void>;
  /** Called with every member that is complete. */
  onMember?: (path: string) => void;
  /** Called with the archive bytes taken so far. */
  onProgress?: (archiveBytes: number) => void;
  signal?: AbortSignal;
}

/**
 * Gives an archive's members to an output and returns once the archive is proved
 * whole. Until then nothing that came out of it is worth anything.
 */
export async function readArchive(
  source: ByteSource,
  output: MemberOutput,
  options: ReadOptions,
): Promise<ArchiveSummary> {
  const { anyArchive = false, key, needKey = false, decoding = noDecoding } = options;
  const { onMember, onCut, decodeThreads: threads } = options;
  const checker = new ArchiveChecker({ anyArchive, key, needKey, onCut });
  const pool = new DecodePool(decoding.key, { threads, onCut });
  const placer = new MemberPlacer(output, pool, { decoding, needKey, onMember });
  try {
    let archiveBytes = 0;
    let begun = false;
    for await (const bytes of source.bytes) {
      options.signal?.throwIfAborted();
      for (const event of checker.push(bytes)) {
        if (!begun && checker.begin) {
          begun = true;
          await options.onBegin?.(checker.begin);
        }
        await placer.take(event);
      }
      archiveBytes += bytes.length;
      options.onProgress?.(archiveBytes);
    }
    const summary = checker.end();
    await placer.endAll();
    await pool.settle();
    await output.settle();
    return summary;
  } catch (error) {
    // First the threads: a piece on its way would open a file again that nobody closes.
    await pool.stop();
    await output.abandon();
    throw toBackupError(error);
  } finally {
    await pool.stop();
  }
}
