import { setTimeout as sleep } from 'node:timers/promises';
import { BackupError } from '../../errors.ts';
import { readFully } from '../../tablespace/read-fully.ts';

/** A block that the server is writing right now is torn; it is whole again this soon. */
const rereadMs = 100;
const rereadsMax = 10;

/** Says what is wrong with a block, or undefined. */
export type BlockCheck = (block: Uint8Array, blockNumber: number) => string | undefined;

/**
 * Checks every block of what was read at `position` and reads a bad one again,
 * alone, until it is whole. Redo cannot repair a torn page, so one that stays
 * bad ends the backup.
 */
export async function settleBlocks(
  file: { fd: number; path: string },
  bytes: Uint8Array,
  position: number,
  blockSize: number,
  check: BlockCheck,
): Promise<void> {
  for (let at = 0; at + blockSize <= bytes.length; at += blockSize) {
    const block = bytes.subarray(at, at + blockSize);
    const number = (position + at) / blockSize;
    let fault = check(block, number);
    for (let tries = 0; fault !== undefined && tries < rereadsMax; tries++) {
      await sleep(rereadMs);
      readFully(file.fd, block, position + at);
      fault = check(block, number);
    }
    if (fault !== undefined) throw corruptPage(file.path, number, position + at, fault);
  }
}

function corruptPage(path: string, page: number, offset: number, fault: string): BackupError {
  return new BackupError(
    'corrupt-page',
    `${path}: page ${page} at byte ${offset} is corrupt: ${fault} (read ${rereadsMax + 1} times)`,
    {
      where: { path, offset },
      hint: 'the source is damaged; CHECK TABLE says more. Keep your older backups',
    },
  );
}
