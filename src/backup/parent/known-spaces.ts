import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { MemberEntry } from '../../../formats/archive-record/index.ts';
import { isDeltaName, isMetaName, fileOfDelta } from '../../../formats/delta/index.ts';
import { decodeDeltaMeta } from '../../../formats/metadata/index.ts';
import { indexedSpaces } from '../../archive/indexed-spaces.ts';
import type { Flavour } from '../../server/flavour.ts';
import { identifySpace } from '../../tablespace/identify-space.ts';
import { plainPath } from '../../transform/member-decoder.ts';

/** By the index of a backup. */
export function knownSpaces(members: readonly MemberEntry[]): Uint32Array {
  const ids = [...indexedSpaces(members).values()].flatMap(({ spaceId }) => spaceId ?? []);
  return Uint32Array.from(new Set(ids));
}

/** Data files, also what a tool wrote of one that was made while it ran. */
const dataFile = /(\.(ibd|ibu|new)|^ibdata[^.]*|^undo_?\d{3})$/;

/**
 * By the files of an extracted backup of a stock tool; undefined where some of them cannot be read
 * as they are.
 */
export function spacesInDirectory(directory: string, flavour: Flavour): Uint32Array | undefined {
  const spaces = new Set<number>();
  for (const path of filesOf(directory)) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    const plain = plainPath(name);
    if (isMetaName(name)) spaces.add(decodeDeltaMeta(readFileSync(path)).spaceId);
    else if (dataFile.test(fileOfDelta(plain))) {
      if (plain !== name) return undefined;
      if (isDeltaName(plain)) continue;
      const spaceId = spaceOf(path, flavour);
      if (spaceId !== undefined) spaces.add(spaceId);
    }
  }
  return Uint32Array.from(spaces);
}

/** Files in a directory and in its databases. */
function* filesOf(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (!entry.isDirectory()) yield join(directory, entry.name);
    else {
      const database = join(directory, entry.name);
      for (const name of readdirSync(database)) yield join(database, name);
    }
  }
}

function spaceOf(path: string, flavour: Flavour): number | undefined {
  const fd = openSync(path, 'r');
  try {
    return identifySpace(fd, flavour)?.spaceId;
  } finally {
    closeSync(fd);
  }
}
