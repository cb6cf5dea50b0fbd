import { invalidSpaceFlags } from './invalid-space-flags.ts';
import type { SpaceFormat } from './space-format.ts';
import { parseSpaceSizes } from './space-sizes.ts';

/** Bits 10 to 12 and 14 say where the tablespace is and what it holds, not how its pages look. */
const knownMask = 0x7fff;
const encryptionBit = 1 << 13;

/**
 * Reads the flags of a MySQL tablespace (u32 BE at byte 54 of page 0). A FormatError of kind
 * `invalid` names flags that no MySQL writes. Format: space-flags.md.
 */
export function parseMysqlSpaceFlags(flags: number): SpaceFormat {
  if ((flags & ~knownMask) !== 0) throw invalidSpaceFlags(flags, 'reserved bits are set');
  return {
    flavour: 'mysql',
    fullCrc32: false,
    ...parseSpaceSizes(flags),
    pageCompressed: undefined,
    encrypted: (flags & encryptionBit) !== 0,
  };
}
