import type { Target } from '../target.ts';
import { archive, archiveKeyless, archiveSealed, archiveStock } from './archive.ts';
import { lz4, lz4Foreign, qpress, quicklz, whole, zstd } from './compressed.ts';
import { delta } from './delta.ts';
import { metadata } from './metadata.ts';
import { pageTrack } from './page-track.ts';
import { aria, innodbPages, innodbSpaces } from './pages.ts';
import { planted } from './planted.ts';
import { records } from './records.ts';
import { mariadbRedo, mariadbScan, mysqlRedo, mysqlScan } from './redo.ts';
import { xbcrypt, xbcryptNone } from './xbcrypt.ts';
import { xbstream } from './xbstream.ts';

/** Every reader of bytes that somebody else may have written. */
export const targets: readonly Target[] = [
  xbstream,
  archive,
  archiveSealed,
  archiveKeyless,
  archiveStock,
  ...records,
  xbcrypt,
  xbcryptNone,
  lz4,
  lz4Foreign,
  zstd,
  whole,
  qpress,
  quicklz,
  ...delta,
  ...metadata,
  mariadbRedo,
  mariadbScan,
  mysqlRedo,
  mysqlScan,
  innodbPages,
  innodbSpaces,
  aria,
  pageTrack,
];

export function targetNamed(name: string): Target {
  const found = [...targets, ...planted].find((target) => target.name === name);
  if (found === undefined) {
    throw new Error(`no target ${name}; there are ${targets.map((one) => one.name).join(', ')}`);
  }
  return found;
}
