import { inflateSync } from 'node:zlib';

/**
 * The bytes of a zlib stream and how many bytes it was long, or undefined when it is damaged
 * or would give more than `sizeMax` bytes, which bounds what damaged bytes may inflate to.
 */
export function inflate(
  bytes: Uint8Array,
  sizeMax: number,
): { data: Uint8Array; bytesUsed: number } | undefined {
  try {
    // The types of Node do not know what `info` does to the result.
    const { buffer, engine } = inflateSync(bytes, {
      maxOutputLength: sizeMax,
      info: true,
    }) as unknown as { buffer: Uint8Array; engine: { bytesWritten: number } };
    return { data: buffer, bytesUsed: engine.bytesWritten };
  } catch {
    return undefined;
  }
}
