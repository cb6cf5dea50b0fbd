import type { CopyThreadData } from './copy-messages.ts';

const chunkBytes = 2 * 1024 * 1024;
/** All threads share them, and each has two at least. */
const chunksOnTheWay = 8;

/** The memory that each of so many copy threads works with. */
export function copyMemory(threads: number): Pick<CopyThreadData, 'buffers' | 'chunkBytes'> {
  return { buffers: Math.max(2, Math.floor(chunksOnTheWay / threads)), chunkBytes };
}
