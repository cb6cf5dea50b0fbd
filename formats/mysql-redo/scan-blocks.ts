import { isEncryptedBlock, judgeBlock, type BlockState } from './block.ts';
import { blockBytes } from './log-header.ts';

/** How far blocks follow each other in order. */
export interface BlockScan {
  /** Bytes from the start that are whole blocks, a multiple of 512. */
  readonly wholeBytes: number;
  /** How many of them are encrypted, so that their checksum is unknown. */
  readonly encryptedBlocks: number;
  /** What the next block is; `end of bytes` when fewer than 512 bytes are left. */
  readonly stop: Exclude<BlockState, 'whole'> | 'end of bytes';
}

/**
 * Walks the whole blocks at the start of `bytes`, whose first byte is that of LSN `startLsn`.
 * RangeError when `startLsn` is not the start of a block.
 */
export function scanBlocks(bytes: Uint8Array, startLsn: number): BlockScan {
  if (startLsn % blockBytes !== 0) throw new RangeError(`no block starts at LSN ${startLsn}`);
  let at = 0;
  let encryptedBlocks = 0;
  for (; at + blockBytes <= bytes.length; at += blockBytes) {
    const state = judgeBlock(bytes, at, startLsn + at);
    if (state !== 'whole') return { wholeBytes: at, encryptedBlocks, stop: state };
    if (isEncryptedBlock(bytes, at)) encryptedBlocks++;
  }
  return { wholeBytes: at, encryptedBlocks, stop: 'end of bytes' };
}
