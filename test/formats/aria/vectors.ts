import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

import {
  readIndexHeader,
  type AriaFile,
  type AriaIndexHeader,
} from '../../../formats/aria/index.ts';

const folder = 'formats/aria/vectors';

/** One page out of a real server, and where it stood. */
export interface PageVector {
  readonly name: string;
  readonly file: AriaFile;
  readonly pageNumber: number;
  readonly header: AriaIndexHeader;
  /** A fresh copy each time: tests damage it. */
  readonly page: () => Buffer;
}

const entries = JSON.parse(readFileSync(`${folder}/vectors.json`, 'utf8')) as (Omit<
  PageVector,
  'header' | 'page'
> & { header: string })[];

export const pages: readonly PageVector[] = entries.map((entry) => ({
  ...entry,
  header: readIndexHeader(headerBytes(entry.header)),
  page: () => gunzipSync(readFileSync(`${folder}/${entry.name}.page.gz`)),
}));

export function page(name: string): PageVector {
  const found = pages.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no vector ${name}`);
  return found;
}

export function headerBytes(name: string): Buffer {
  return gunzipSync(readFileSync(`${folder}/${name}.header.gz`));
}

export function controlBytes(name: string): Buffer {
  return Buffer.from(
    readFileSync(`${folder}/${name}.control.hex`, 'utf8').replace(/\s/gu, ''),
    'hex',
  );
}
