import { FormatError } from '../../formats/format-error.ts';
import { MemberDecoder, decodedPath } from './member-decoder.ts';

/**
 * A small member decoded in memory; undefined when it cannot be without a key.
 * @throws FormatError when it is damaged or becomes longer than `bytesMax`.
 */
export function decodeWhole(
  path: string,
  bytes: Uint8Array,
  { key, bytesMax }: { key: Uint8Array | undefined; bytesMax: number },
): Uint8Array | undefined {
  const { suffixes, path: rest } = decodedPath(path, { decompress: true, key });
  if (rest.endsWith('.xbcrypt')) return undefined;
  const decoder = new MemberDecoder(suffixes, key);
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (const piece of decoder.push(bytes)) {
    length += piece.length;
    if (length > bytesMax) {
      throw new FormatError('invalid', path, 0, `it decodes to more than ${bytesMax} bytes`);
    }
    pieces.push(piece.slice());
  }
  decoder.end();
  return Buffer.concat(pieces);
}
