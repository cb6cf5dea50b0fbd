import { setTimeout as sleep } from 'node:timers/promises';
import { BackupError } from '../../errors.ts';
import { readFully } from '../../tablespace/read-fully.ts';

/** A block that the server is writing right now is torn; it is whole again this soon. */
const rereadMs = 100;
const rereadsMax = 10;

/** As long as the server's write of a page may be on its way while half of it can be read. */
const secondReadMs = 20;

/** Says what is wrong with a block, or undefined. */
export type BlockCheck = (block: Uint8Array, blockNumber: number) => string | undefined;

/** Whole blocks of a file, as they were read. */
interface Blocks {
  bytes: Uint8Array;
  /** Offset in the file. */
  position: number;
  blockSize: number;
}

/**
 * Checks every block of what was read at `position` and reads a bad one again,
 * alone, until it is whole. Redo cannot repair a torn page, so one that stays
 * bad ends the backup.
 */
export async function settleBlocks(
  file: { fd: number; path: string },
  { bytes, position, blockSize }: Blocks,
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

/**
 * Reads blocks that pass the check without a proof, such as encrypted ones, once more
 * and a moment later: one that was torn is another then.
 */
export async function settleUnproven(
  file: { fd: number; path: string },
  blocks: Blocks,
  check: BlockCheck,
  isUnproven: (block: Uint8Array) => boolean,
): Promise<void> {
  const { bytes, position, blockSize } = blocks;
  let open: number[] = [];
  for (let at = 0; at + blockSize <= bytes.length; at += blockSize) {
    if (isUnproven(bytes.subarray(at, at + blockSize))) open.push(at);
  }
  if (open.length === 0) return;
  const again = new Uint8Array(blockSize);
  for (let tries = 0; open.length > 0; tries++) {
    if (tries > rereadsMax) {
      const at = position + (open[0] ?? 0);
      throw corruptPage(file.path, at / blockSize, at, 'it changes whenever it is read');
    }
    await sleep(secondReadMs);
    const changed: number[] = [];
    for (const at of open) {
      readFully(file.fd, again, position + at);
      if (Buffer.compare(bytes.subarray(at, at + blockSize), again) === 0) continue;
      bytes.set(again, at);
      changed.push(at);
    }
    open = changed;
  }
  await settleBlocks(file, blocks, check);
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
