import { metaName, isDeltaName, fileOfDelta } from '../../formats/delta/index.ts';
import {
  type DeltaContent,
  type MemberEntry,
  decodePageRuns,
} from '../../formats/archive-record/index.ts';
import { droppedFiles } from '../archive/dropped-files.ts';
import { indexedSpaces, spaceKey } from '../archive/indexed-spaces.ts';
import { BackupError } from '../errors.ts';
import { plainPath } from '../transform/member-decoder.ts';
import type { ChainLink } from './link.ts';

/** An InnoDB file that the pages of several links make. */
export interface FinalFile {
  /** Its path in the newest link: `db/t.ibd`. */
  path: string;
  spaceId: number;
  /** Bytes of a page in the file. */
  pageSize: number;
  /** Bytes in the end. */
  size: number;
  /** No page is written twice: it is known which pages each delta has. */
  writtenOnce: boolean;
}

/** The changed pages that a newer link has of a file. */
export type DeltaEntry = MemberEntry & { delta: DeltaContent };

/** A member of a link that gives pages to a file. */
export interface Layer {
  file: FinalFile;
  /** The whole file, or a delta. */
  entry: MemberEntry;
  /** What newer links lay over it. */
  newer: readonly DeltaEntry[];
}

/** What makes the newest link of a chain a full backup. */
export interface ChainPlan {
  files: FinalFile[];
  /** For each link, the oldest first, the members of it that give pages. */
  layers: Layer[][];
  /** Members of the newest link that are taken as they are. */
  plain: MemberEntry[];
}

/**
 * Which members of a chain, oldest link first, make what file. The list of the newest link is the
 * truth. Files are the same by their space id, whatever they are called; those of the system
 * tablespace, which share one, by their names.
 */
export function planChain(links: readonly ChainLink[]): ChainPlan {
  const newest = links.at(-1);
  if (!newest) throw new BackupError('usage', 'a chain of no backups');
  const { deltas, plain } = sortNewest(newest);
  const spaces = links.map(({ members }) => indexedSpaces(members));
  const layers: Layer[][] = links.map(() => []);
  const files: FinalFile[] = [];
  for (const [path, entry] of deltas) {
    const { spaceId, pageSize } = entry;
    if (spaceId === undefined || pageSize === undefined || pageSize === 0) {
      throw corrupt(newest, `${entry.path} is listed without a space id or a page size`);
    }
    const file = { path, spaceId, pageSize, size: entry.delta.fileSize, writtenOnce: true };
    files.push(file);
    const last = addLayers(file, entry, spaces, layers);
    if (isDelta(last)) requirePage0(newest, last);
  }
  return { files, layers, plain };
}

/**
 * Pages come from the newest link down to the first one that has the whole file, or has it not.
 * Returns the lowest.
 */
function addLayers(
  file: FinalFile,
  entry: DeltaEntry,
  spaces: readonly ReadonlyMap<string, MemberEntry>[],
  layers: Layer[][],
): MemberEntry {
  const key = spaceKey(file.spaceId, file.path);
  // Where the newest link has the space in two files, what is older may be of either.
  const isKnown = spaces.at(-1)?.get(key) === entry;
  const newer: DeltaEntry[] = [];
  let found: MemberEntry | undefined = entry;
  for (let i = layers.length - 1; i >= 0 && found; i -= 1) {
    if (found.pageSize !== file.pageSize) {
      const message = `${found.path} has pages of ${found.pageSize} bytes, later ${file.pageSize}`;
      throw new BackupError('chain', message, { where: { path: found.path } });
    }
    layers[i]?.push({ file, entry: found, newer: [...newer] });
    if (!isDelta(found)) return found;
    file.writtenOnce &&= found.delta.pages !== undefined;
    newer.push(found);
    found = isKnown ? spaces[i - 1]?.get(key) : undefined;
  }
  return newer.at(-1) ?? entry;
}

/** With nothing below it a delta must have every page, and so the first. A file of the system tablespace may be new and begin with an unused page. */
function requirePage0({ name }: ChainLink, { path, spaceId, delta }: DeltaEntry): void {
  if (spaceId === 0 || delta.pages === undefined) return;
  const [run] = decodePageRuns(delta.pages, `${path} > delta > pages`);
  if (run?.first === 0) return;
  const message = `${name}: ${path} has changed pages of a file that no older link has, or that one has twice`;
  throw new BackupError('chain', message, { where: { path: name } });
}

/**
 * The files of the newest link that are laid over older ones, by their paths, and everything else.
 * What a `.del` beside it says to be gone is left out.
 */
function sortNewest(link: ChainLink): { deltas: Map<string, DeltaEntry>; plain: MemberEntry[] } {
  const dropped = droppedFiles(link.members.map(({ path }) => path));
  const deltas = new Map<string, DeltaEntry>();
  const others = new Map<string, MemberEntry>();
  for (const entry of link.members) {
    const path = plainPath(entry.path);
    const file = isDelta(entry) ? fileOfDelta(path) : path;
    if (others.has(file) || deltas.has(file)) throw corrupt(link, `${file} is listed twice`);
    if (isDelta(entry)) deltas.set(file, entry);
    else others.set(path, entry);
  }
  for (const file of deltas.keys()) others.delete(metaName(file));
  for (const file of dropped) {
    deltas.delete(file);
    others.delete(file);
  }
  return { deltas, plain: [...others.values()] };
}

function isDelta(entry: MemberEntry): entry is DeltaEntry {
  return entry.delta !== undefined && isDeltaName(plainPath(entry.path));
}

function corrupt({ name }: ChainLink, fault: string): BackupError {
  return new BackupError('corrupt', `${name}: ${fault}`, { where: { path: name } });
}
