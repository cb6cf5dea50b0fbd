import { type BackupError, toBackupError } from '../errors.ts';
import { type Decoding, noDecoding } from '../transform/member-decoder.ts';
import { DecodePool } from './decode/decode-pool.ts';
import type { MemberOutput } from './member-output.ts';
import { MemberPlacer } from './member-placer.ts';

export interface PlaceOptions {
  /** What is undone to members on the way. */
  decoding?: Decoding;
  /** Refuse a member that would stay encrypted: what is restored must be readable. */
  needKey?: boolean;
  /** How many threads may decode members. */
  decodeThreads?: number;
  /**
   * Hears of what stops too early: the archive between two chunks, or what is inside of an
   * encoded member. Without it that is a failure; with it, what came counts for whole.
   */
  onCut?: (fault: BackupError) => void;
  /** Called with every member that is complete. */
  onMember?: (path: string) => void;
}

/**
 * Gives an output the members whose events `feed` gives to the placer, and returns once the
 * output has them all; after a failure it is abandoned.
 */
export async function placeMembers<T>(
  output: MemberOutput,
  options: PlaceOptions,
  feed: (placer: MemberPlacer) => Promise<T>,
): Promise<T> {
  const { needKey = false, decoding = noDecoding, onMember, onCut } = options;
  const pool = new DecodePool(decoding.key, { threads: options.decodeThreads, onCut });
  const placer = new MemberPlacer(output, pool, { decoding, needKey, onMember });
  try {
    const result = await feed(placer);
    await placer.endAll();
    await pool.settle();
    await output.settle();
    return result;
  } catch (error) {
    // First the threads: a piece on its way would open a file again that nobody closes.
    await pool.stop();
    await output.abandon();
    throw toBackupError(error);
  } finally {
    await pool.stop();
  }
}
