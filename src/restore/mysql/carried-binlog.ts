import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { acceptedNames, decodeBinlogInfo } from '../../../formats/metadata/index.ts';

/** The end of the source's binlog, which came along. */
export interface CarriedBinlog {
  /** What the names of its files begin with. */
  base: string;
  /** Name of the index. */
  index: string;
  /** Whether its transactions have GTIDs. */
  gtids: boolean;
}

/** Undefined when the source had no binlog. */
export function carriedBinlog(directory: string): CarriedBinlog | undefined {
  const info = acceptedNames.binlogInfo
    .map((name) => join(directory, name))
    .find((path) => existsSync(path));
  if (info === undefined) return undefined;
  const { file, gtid = '' } = decodeBinlogInfo(readFileSync(info));
  const base = file.replace(/\.\d+$/, '');
  const indexes = readdirSync(directory).filter((name) => name.endsWith('.index'));
  const index = indexes.includes(`${base}.index`) ? `${base}.index` : indexes[0];
  if (index === undefined || !existsSync(join(directory, file))) return undefined;
  return { base, index, gtids: gtid !== '' };
}

/**
 * Removes the carried binlog and what the recovering server added to it: the
 * restored server begins its own. Their GTIDs are in its tables by now.
 */
export function dropBinlog(directory: string, { base, index }: CarriedBinlog): void {
  for (const name of readdirSync(directory)) {
    if (name.startsWith(`${base}.`) && /^\d+$/.test(name.slice(base.length + 1))) {
      rmSync(join(directory, basename(name)));
    }
  }
  rmSync(join(directory, index));
}
