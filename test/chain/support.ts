/** Chains of made-up backups: archives whose members, deltas among them, are known page by page. */
import {
  type BeginRecord,
  type MemberEntry,
  PageRunsEncoder,
  encodeBegin,
  encodeIndex,
  keyCheckOf,
  sealOf,
} from '../../formats/archive-record/index.ts';
import { filHeader, fspHeaderOffset } from '../../formats/innodb/index.ts';
import { readArchiveIndex } from '../../src/archive/archive-index.ts';
import type { StoredLink } from '../../src/chain/link.ts';
import { type Encoding, plainEncoding } from '../../src/transform/encoding.ts';
import { memberEncoder } from '../../src/transform/member-encoder.ts';
import { type Sample, assemble, sampleBegin } from '../archive/support.ts';
import { encodeAll } from '../formats/delta/support.ts';
import { join } from '../formats/xbstream/support.ts';
import { type ObservedStore, storedArchive } from '../restore/members-support.ts';

export const pageSize = 1024;

/** A file of a made-up backup: whole, or its changed pages. */
export interface MadeFile {
  path: string;
  spaceId?: number;
  /** All of it. */
  bytes?: Uint8Array;
  /** Pages by number, of a file that is as long as this. */
  delta?: { fileSize: number; pages: ReadonlyMap<number, Uint8Array>; isListed?: boolean };
}

export interface MadeLink {
  begin?: Partial<BeginRecord>;
  files: readonly MadeFile[];
  encoding?: Encoding;
  /** Pages of a chunk. */
  chunkPages?: number;
}

/** A page that tells what it is. */
export function page(text: string): Uint8Array {
  return Uint8Array.from(Buffer.alloc(pageSize, `${text};`));
}

/** The first page of a tablespace, which says whose it is. */
export function page0(spaceId: number, text: string): Uint8Array {
  const bytes = Buffer.alloc(pageSize, `${text};`);
  bytes.fill(0, 0, 128);
  bytes.writeUInt32BE(spaceId, filHeader.offset.spaceId);
  bytes.writeUInt32BE(spaceId, fspHeaderOffset);
  return Uint8Array.from(bytes);
}

/** A file of such pages. */
export function pagesOf(...texts: string[]): Uint8Array {
  return join(...texts.map((text) => page(text)));
}

/** The begin record of the link at this place of a chain. */
export function beginOf(ordinal: number, begin: Partial<BeginRecord> = {}): BeginRecord {
  const increment = ordinal > 0 && {
    parentId: `id-${ordinal - 1}`,
    sinceLsn: 46_000 + (ordinal - 1) * 1000,
  };
  const redoStart = 46_000 + ordinal * 1000;
  return { ...sampleBegin, backupId: `id-${ordinal}`, redoStart, ...increment, ...begin };
}

/** The archives of a chain, the full backup first. */
export async function madeChain(
  links: readonly MadeLink[],
): Promise<(StoredLink & { store: ObservedStore })[]> {
  return await Promise.all(links.map((link, ordinal) => madeLink(link, ordinal)));
}

async function madeLink(
  link: MadeLink,
  ordinal: number,
): Promise<StoredLink & { store: ObservedStore }> {
  const { encoding = plainEncoding } = link;
  const begin = encodedBegin(beginOf(ordinal, link.begin), encoding);
  const bytes = archiveOf(link, begin);
  const { store, archive } = await storedArchive(bytes);
  const index = await readArchiveIndex(archive, { key: encoding.encryption?.key });
  if (!index) throw new Error('the made archive has no index');
  store.reads.length = 0;
  return { name: `link ${ordinal}`, begin, members: index.members, archive, index, store };
}

function encodedBegin(begin: BeginRecord, encoding: Encoding): BeginRecord {
  const { compression, encryption, digests } = encoding;
  return {
    ...begin,
    compression: compression?.algorithm,
    encryption: encryption?.algorithm,
    keyCheck: encryption && keyCheckOf(encryption.key, begin.backupId),
    digests,
  };
}

/** The archive of a link, as the specification has it. */
export function archiveOf(link: MadeLink, begin: BeginRecord): Uint8Array {
  const { files, encoding = plainEncoding, chunkPages = 3 } = link;
  const encoder = memberEncoder(encoding, { packed: false });
  const made = files.map((file) => ({ file, ...contentOf(file, chunkPages) }));
  const members = made.map(({ path, bytes, isPlain }): Sample => {
    const chunks = chunksOf(bytes, chunkPages * pageSize);
    if (!encoder || isPlain) return [path, ...chunks];
    return [path + encoder.suffix, ...chunks.map((chunk) => encoder.encode(chunk))];
  });
  const listed = (entries: MemberEntry[]): MemberEntry[] =>
    entries.map((entry, at) => {
      const one = made[at - 1];
      const isEncoded = encoder && one?.isPlain === false;
      return {
        ...entry,
        ...one?.facts,
        ...(isEncoded && { plainSize: one.bytes.length }),
      };
    });
  return assemble(members, {
    begin: encodeBegin(begin),
    digests: encoding.digests,
    index: (entries) => join(...encodeIndex(begin.backupId, listed(entries))),
    end: (record) => {
      const end = { ...record, backupId: begin.backupId };
      const { encryption } = encoding;
      return encryption ? { ...end, hmac: sealOf(encryption.key, end, encodeBegin(begin)) } : end;
    },
    ...(encoder && { encodeIndex: { suffix: encoder.suffix, encode: (b) => encoder.encode(b) } }),
  });
}

interface MadeMember {
  path: string;
  bytes: Uint8Array;
  isPlain: boolean;
  facts: Partial<MemberEntry>;
}

function contentOf({ path, spaceId, bytes, delta }: MadeFile, chunkPages: number): MadeMember {
  const isPlain = path.endsWith('.meta') || path.startsWith('xtrabackup_');
  const space = spaceId === undefined ? {} : { spaceId, pageSize };
  if (!delta) return { path, bytes: bytes ?? new Uint8Array(0), isPlain, facts: space };
  const pages = [...delta.pages]
    .map(([pageNumber, bytes]) => ({ pageNumber, bytes }))
    .sort((a, b) => a.pageNumber - b.pageNumber);
  const runs = new PageRunsEncoder(delta.isListed === false ? -1 : 4096);
  for (const { pageNumber } of pages) runs.add(pageNumber);
  const content = { fileSize: delta.fileSize, chunkPages, pages: runs.end() };
  return {
    path: `${path}.delta`,
    bytes: encodeAll(pages, pageSize),
    isPlain,
    facts: { ...space, delta: content },
  };
}

function chunksOf(bytes: Uint8Array, size: number): Uint8Array[] {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}
