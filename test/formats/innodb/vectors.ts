import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

import {
  parseMysqlSpaceFlags,
  parseSpaceFlags,
  type SpaceFormat,
} from '../../../formats/innodb/index.ts';

const folder = 'formats/innodb/vectors';

/** One page out of a real server, and where it stood. */
export interface Vector {
  readonly name: string;
  readonly spaceId: number;
  readonly pageNumber: number;
  readonly flags: number;
  readonly format: SpaceFormat;
  /** A fresh copy each time: tests damage it. */
  readonly page: () => Buffer;
}

type Entry = Omit<Vector, 'format' | 'page'> & { flavour?: 'mysql' };

const entries = JSON.parse(readFileSync(`${folder}/vectors.json`, 'utf8')) as Entry[];

export const vectors: readonly Vector[] = entries.map((entry) => {
  const page = gunzipSync(readFileSync(`${folder}/${entry.name}.gz`));
  const parse = entry.flavour === 'mysql' ? parseMysqlSpaceFlags : parseSpaceFlags;
  return { ...entry, format: parse(entry.flags), page: () => Buffer.from(page) };
});

export function vector(name: string): Vector {
  const found = vectors.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no vector ${name}`);
  return found;
}
