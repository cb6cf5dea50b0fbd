import { encodeBlock, encodeSizeField } from './encode-block.ts';
import { encodeFrameHeader } from './frame-header.ts';
import { lz4BlockBytesDefault } from './limits.ts';
import { runningXxh32 } from './xxh32.ts';

/**
 * One frame as XtraBackup writes for each write of a member, in pieces to be
 * written one behind the other; some may share memory with `content`. Frames
 * behind each other are the content behind each other.
 * @throws RangeError when `blockBytes`, the content of one block, is not 1 byte to 4 MiB.
 */
export function encodeLz4Frame(
  content: Uint8Array,
  blockBytes: number = lz4BlockBytesDefault,
): Uint8Array[] {
  const pieces = [encodeFrameHeader(content.length, blockBytes)];
  const hash = runningXxh32();
  for (let at = 0; at < content.length; at += blockBytes) {
    const block = content.subarray(at, at + blockBytes);
    hash.update(block);
    pieces.push(...encodeBlock(block, blockBytes));
  }
  const endMark = encodeSizeField(0);
  pieces.push(endMark, encodeSizeField(hash.digest()));
  return pieces;
}
