/**
 * The path of an xbstream chunk: its length rule and its bytes.
 *
 * Readers key open files by the exact bytes of the path, so a path that does not
 * survive bytes -> string -> bytes is refused in both directions. Whether a path is
 * safe to create on disk is not judged here.
 */
import { FormatError } from '../format-error.ts';

/** The longest path the existing readers accept, in bytes: their buffer of 512 holds a NUL too. */
export const pathBytesMax = 511;

const encoder = new TextEncoder();
// A byte order mark is part of the name: dropping it would make two names one.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Refuses a path length of 0 or over `pathBytesMax`; call it before anything is read or allocated. */
export function checkPathLength(length: number, field: string, offset: number): void {
  if (length === 0) throw new FormatError('invalid', field, offset, 'the path is empty');
  if (length > pathBytesMax) {
    throw new FormatError(
      'invalid',
      field,
      offset,
      `${length} bytes are over the limit ${pathBytesMax}`,
    );
  }
}

/** The UTF-8 bytes of a path of 1 to 511 bytes, or FormatError `invalid`. */
export function encodePath(path: string, field: string, offset: number): Uint8Array {
  // A lone surrogate would silently become U+FFFD and could meet another file of that name.
  if (/\p{Surrogate}/u.test(path)) {
    throw new FormatError('invalid', field, offset, 'the path is not well-formed Unicode');
  }
  const bytes = encoder.encode(path);
  checkPathLength(bytes.length, field, offset);
  refuseNul(bytes, field, offset);
  return bytes;
}

/** The path in these bytes, or FormatError `invalid` when they are not UTF-8 or hold a NUL. */
export function decodePath(bytes: Uint8Array, field: string, offset: number): string {
  refuseNul(bytes, field, offset);
  try {
    return decoder.decode(bytes);
  } catch {
    throw new FormatError('invalid', field, offset, 'the path is not valid UTF-8');
  }
}

/** Readers in C end the name at a NUL: `a\0b` would be checked as one name and created as another. */
function refuseNul(bytes: Uint8Array, field: string, offset: number): void {
  const at = bytes.indexOf(0);
  if (at !== -1) {
    throw new FormatError('invalid', field, offset, `the path holds a NUL at its byte ${at}`);
  }
}
