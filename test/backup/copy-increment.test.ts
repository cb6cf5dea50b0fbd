import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';

import { type DeltaContent, decodePageRuns } from '../../formats/archive-record/index.ts';
import { DeltaDecoder } from '../../formats/delta/index.ts';
import { decodeDeltaMeta } from '../../formats/metadata/index.ts';
import { SparsePages } from '../../formats/page-track/index.ts';
import type { MemberInfo, MemberWriter, Members } from '../../src/archive/member-store.ts';
import type {
  CopyJob,
  IncrementSelection,
  PageCount,
} from '../../src/backup/copy/copy-messages.ts';
import { CopyPool } from '../../src/backup/copy/copy-pool.ts';
import { metaOf } from '../../src/backup/copy/increment-plan.ts';
import { decodeWhole } from '../../src/transform/decode-whole.ts';
import { type Encoding, plainEncoding } from '../../src/transform/encoding.ts';
import { compressions, keys } from '../transform/support.ts';
import { changedPage, newerPage, pageSize, spaceId, tablePages, writeTable } from './table-file.ts';

const lsnOf = (page: Buffer): number => Number(page.readBigUInt64BE(16));
/** The page with the latest LSN of the table. */
const latest = 1;
const sinceLsn = lsnOf(tablePages().subarray(latest * pageSize));
const chunkBytes = 4 * pageSize;

interface Member {
  info: MemberInfo;
  chunks: Buffer[];
  plainSize?: number | undefined;
  delta?: DeltaContent | undefined;
}

/** Keeps members in memory, chunk by chunk, and what happened in which order. */
class MemoryMembers implements Members {
  readonly members = new Map<string, Member>();
  readonly events: string[] = [];

  open(info: MemberInfo): MemberWriter {
    const { path } = info;
    const member: Member = { info, chunks: [] };
    this.members.set(path, member);
    this.events.push(`open ${path}`);
    return {
      write: async (payload) => {
        member.chunks.push(Buffer.from(payload));
        // As slow as a writer that others use as well.
        await new Promise(setImmediate);
      },
      close: (plainSize, delta) => {
        Object.assign(member, { plainSize, delta });
        this.events.push(`close ${path}`);
        return Promise.resolve();
      },
    };
  }

  get(path: string): Member {
    return this.members.get(path) ?? assert.fail(`${path} of ${[...this.members.keys()].join()}`);
  }
}

const pools: CopyPool[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.stop();
});

async function copy(
  jobs: CopyJob[],
  increment: IncrementSelection,
  encoding: Encoding = plainEncoding,
): Promise<{ store: MemoryMembers; pages: PageCount }> {
  const store = new MemoryMembers();
  const pages: PageCount = { read: 0, taken: 0, bytes: 0 };
  const server = { flavour: 'mariadb', pageSize, redoStart: 0 } as const;
  const data = { ...server, buffers: 2, chunkBytes, encoding, increment };
  const pool = new CopyPool(1, data, store, ({ read, taken, bytes }) => {
    pages.read += read;
    pages.taken += taken;
    pages.bytes += bytes;
  });
  pools.push(pool);
  const outcomes = await pool.copy(jobs);
  // DDL is followed by the names of the data files.
  assert.deepEqual(
    outcomes.map((outcome) => 'copied' in outcome && outcome.copied.member),
    jobs.map(({ member }) => member),
  );
  return { store, pages };
}

const table = (bytes: Uint8Array, member = 'v/t.ibd'): CopyJob => ({
  kind: 'tablespace',
  source: writeTable(bytes),
  member,
});

/** Four pages that are not zero, and many that are. */
function changedTable(): Buffer {
  const pages = tablePages(40);
  newerPage().copy(pages, changedPage * pageSize);
  return pages;
}

/** What the server says that it wrote of the table. */
function changedPages(...numbers: number[]): NonNullable<CopyJob['changed']> {
  const set = new SparsePages();
  for (const number of numbers) set.add(number);
  return { spaceId, pages: set.segments };
}

const pagesOf = (bytes: Uint8Array): number[] => {
  const decoder = new DeltaDecoder(pageSize);
  decoder.push(bytes);
  const numbers: number[] = [];
  for (let page = decoder.next(); page; page = decoder.next()) numbers.push(page.pageNumber);
  decoder.end();
  return numbers;
};

const runsOf = (text = ''): number[] =>
  [...decodePageRuns(text, 'pages')].flatMap(({ first, count }) =>
    Array.from({ length: count }, (_, i) => first + i),
  );

describe('the copy threads, for an increment', () => {
  const parent = { sinceLsn, knownSpaces: Uint32Array.of(0, spaceId) };

  it('write the changed pages of a tablespace, and before them what they are of', async () => {
    const { store, pages } = await copy([table(changedTable())], parent);
    assert.deepEqual(store.events, [
      'open v/t.ibd.meta',
      'close v/t.ibd.meta',
      'open v/t.ibd.delta',
      'close v/t.ibd.delta',
    ]);
    const meta = decodeDeltaMeta(Buffer.concat(store.get('v/t.ibd.meta').chunks));
    assert.deepEqual(meta, { pageSize, zipSize: 0, spaceId, others: [] });
    const { info, chunks, plainSize, delta } = store.get('v/t.ibd.delta');
    assert.deepEqual([info.spaceId, info.pageSize, plainSize], [spaceId, pageSize, undefined]);
    assert.deepEqual(pagesOf(Buffer.concat(chunks)), [latest]);
    assert.deepEqual(delta, { fileSize: 40 * pageSize, chunkPages: 4, pages: '1' });
    assert.deepEqual(pages, { read: 40, taken: 1, bytes: 40 * pageSize });
  });

  it('look only at the pages that are said to have changed, and at page 0', async () => {
    const job = { ...table(changedTable()), changed: changedPages(latest, 30, 31, 99) };
    const { store, pages } = await copy([job], parent);
    const { chunks, delta } = store.get('v/t.ibd.delta');
    assert.deepEqual(pagesOf(Buffer.concat(chunks)), [latest]);
    assert.deepEqual(delta, { fileSize: 40 * pageSize, chunkPages: 4, pages: '1' });
    // What lies behind the end of the file was appended since.
    assert.deepEqual(pages, { read: 4, taken: 1, bytes: 4 * pageSize });
    const none = await copy([{ ...table(changedTable()), changed: changedPages() }], parent);
    assert.equal(none.store.get('v/t.ibd.delta').delta?.pages, '');
    assert.equal(none.pages.read, 1);
  });

  it('count changed pages from the first page of a file that others come before', async () => {
    const first = table(changedTable());
    const continues = { firstFile: first.source, bytesBefore: 100 * pageSize };
    const changed = changedPages(latest, 102);
    const job = { ...table(Buffer.alloc(9 * pageSize)), continues, changed };
    const { pages } = await copy([job], parent);
    // Its first page, and page 102 of the tablespace.
    assert.equal(pages.read, 2);
  });

  it('look everywhere when the changed pages are those of another tablespace', async () => {
    const changed = { ...changedPages(30), spaceId: spaceId + 1 };
    const { store, pages } = await copy([{ ...table(changedTable()), changed }], parent);
    assert.equal(store.get('v/t.ibd.delta').delta?.pages, '1');
    assert.equal(pages.read, 40);
  });

  it('look everywhere in a tablespace that the parent does not have', async () => {
    const others = { sinceLsn, knownSpaces: Uint32Array.of(0) };
    const job = { ...table(changedTable()), changed: changedPages(30) };
    assert.equal((await copy([job], others)).pages.read, 40);
  });

  it('take all of a tablespace that the parent does not have', async () => {
    const others = { sinceLsn, knownSpaces: Uint32Array.of(0, spaceId + 1) };
    const { store } = await copy([table(changedTable())], others);
    const { chunks, delta } = store.get('v/t.ibd.delta');
    assert.deepEqual(pagesOf(Buffer.concat(chunks)), [0, 1, 2, changedPage]);
    assert.equal(delta?.pages, '0+2 1');
  });

  it('go by the LSNs alone where it is not known what the parent has', async () => {
    const { store } = await copy([table(changedTable())], { sinceLsn });
    assert.equal(store.get('v/t.ibd.delta').delta?.pages, '1');
  });

  it('copy as they are: what is to be whole, files without a page 0, and other files', async () => {
    const young = Buffer.alloc(3 * pageSize);
    const jobs: CopyJob[] = [
      { ...table(changedTable(), 'v/t.new'), whole: true },
      table(young, 'v/young.ibd'),
      { ...table(young, 'v/t.frm'), kind: 'plain' },
    ];
    const { store, pages } = await copy(jobs, parent);
    assert.deepEqual([...store.members.keys()], ['v/t.new', 'v/young.ibd', 'v/t.frm']);
    assert.deepEqual(Buffer.concat(store.get('v/t.new').chunks), changedTable());
    assert.deepEqual(pages, { read: 0, taken: 0, bytes: 0 });
  });

  const encryption = { algorithm: 'AES256', key: keys.AES256, chunkBytes: 65536 };
  for (const compression of compressions) {
    for (const encrypted of [false, true]) {
      const names = [compression?.algorithm ?? 'plain', ...(encrypted ? ['encrypted'] : [])];
      it(`write chunks that can be read each by itself: ${names.join(', ')}`, async () => {
        const encoding = { compression, digests: false, ...(encrypted && { encryption }) };
        const others = { sinceLsn, knownSpaces: Uint32Array.of() };
        const { store } = await copy([table(changedTable())], others, encoding);
        const suffix =
          { none: '', zstd: '.zst', lz4: '.lz4' }[compression?.algorithm ?? 'none'] +
          (encrypted ? '.xbcrypt' : '');
        const path = `v/t.ibd.delta${suffix}`;
        assert.deepEqual([...store.members.keys()], ['v/t.ibd.meta', path]);
        const { chunks, delta, plainSize } = store.get(path);
        const decoded = chunks.map(
          (chunk) =>
            decodeWhole(path, chunk, { key: keys.AES256, bytesMax: chunkBytes }) ?? assert.fail(),
        );
        const numbers = runsOf(delta?.pages);
        assert.deepEqual(numbers, [0, 1, 2, changedPage]);
        // The header page is the first of five.
        const pages = decoded.map(({ length }) => length / pageSize);
        assert.deepEqual([delta?.chunkPages, ...pages], [4, 4, 1]);
        const bytes = Buffer.concat(decoded);
        assert.deepEqual(pagesOf(bytes), numbers);
        assert.equal(plainSize, suffix === '' ? undefined : bytes.length);
        assert.deepEqual(bytes.subarray(4 * pageSize), newerPage());
      });
    }
  }
});

describe('the .meta file', () => {
  it('says what XtraBackup says of a tablespace of MySQL, compressed ones too', () => {
    const format = {
      flavour: 'mysql',
      fullCrc32: false,
      pageSize: 16384,
      physicalPageSize: 8192,
      zip: true,
      pageCompressed: undefined,
      encrypted: false,
    } as const;
    assert.equal(
      Buffer.from(metaOf({ spaceId: 5, flags: 16425, format })).toString(),
      'page_size = 8192\nzip_size = 8192\nspace_id = 5\nspace_flags = 16425\n',
    );
  });
});
