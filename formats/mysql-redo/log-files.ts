// Names and sizes of the files of a MySQL 8.0.30+ redo log. Described in README.md.

/** The directory of the redo files, inside `innodb_log_group_home_dir`. */
export const redoDirectory = '#innodb_redo';

/** Smallest and largest file the server takes. */
export const redoFileBytesMin = 65_536;
export const redoFileBytesMax = 17_179_869_184;

/** The name of redo file `number`: `#ib_redo7`. */
export function redoFileName(number: number): string {
  return `#ib_redo${number}`;
}

/**
 * The number of a redo file in use, or `undefined`: not for `#ib_redo7_tmp`, a spare
 * file whose header and blocks are those of its earlier life.
 */
export function parseRedoFileName(name: string): number | undefined {
  const digits = /^#ib_redo(0|[1-9]\d*)$/.exec(name)?.[1];
  if (digits === undefined) return undefined;
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** The rule that a redo file of `bytes` bytes breaks, for a server with this page size. */
export function brokenFileSizeRule(bytes: number, pageSize: number): string | undefined {
  if (bytes < redoFileBytesMin) return `${bytes} bytes are below ${redoFileBytesMin}`;
  if (bytes > redoFileBytesMax) return `${bytes} bytes are over ${redoFileBytesMax}`;
  if (bytes % pageSize !== 0)
    return `${bytes} bytes are not a multiple of the page size ${pageSize}`;
  return undefined;
}
