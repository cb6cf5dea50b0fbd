import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import { type PageRun, decodePageRuns } from '../../formats/archive-record/index.ts';
import { DeltaDecoder, blockPagesMax } from '../../formats/delta/index.ts';
import type { BlockCheck } from '../../src/backup/copy/block-reader.ts';
import { type CopiedDelta, copyDelta } from '../../src/backup/copy/copy-delta.ts';
import type { BlockFile, BlockOutput } from '../../src/backup/copy/copy-tablespace.ts';
import { PageScan, type PageSelection } from '../../src/backup/copy/page-scan.ts';
import type { BackupError } from '../../src/errors.ts';
import { scratchDir } from '../support/scratch.ts';

const since = 1000;
const opened: number[] = [];
after(() => {
  for (const fd of opened) closeSync(fd);
});

/** Takes chunks of at most so many bytes. */
class Chunks implements BlockOutput {
  readonly sent: Buffer[] = [];
  readonly #bytes: number;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  take(): Promise<Uint8Array<ArrayBuffer>> {
    return Promise.resolve(new Uint8Array(this.#bytes));
  }

  send(buffer: Uint8Array<ArrayBuffer>, length: number): void {
    this.sent.push(Buffer.from(buffer.buffer, 0, length));
  }

  back(): void {
    assert.fail('a buffer came back');
  }
}

/** LSN of each page; its number is in the FIL header too, and all else is zero. */
type Lsns = (page: number) => number | undefined;

/** A sparse file: a page whose LSN is undefined is all zero. */
function makeFile(blockSize: number, pages: number, lsns: Lsns): BlockFile {
  const path = join(scratchDir('delta'), 't.ibd');
  const fd = openSync(path, 'wx+');
  opened.push(fd);
  ftruncateSync(fd, pages * blockSize);
  for (let page = 0; page < pages; page += 1) {
    const lsn = lsns(page);
    if (lsn !== undefined) writePage(fd, blockSize, page, lsn);
  }
  return { fd, path, blockSize, size: pages * blockSize, mayShrink: false, check: undefined };
}

function writePage(fd: number, blockSize: number, page: number, lsn: number): void {
  const head = Buffer.alloc(38);
  head.writeUInt32BE(page, 4);
  head.writeBigUInt64BE(BigInt(lsn), 16);
  // So that a page of LSN 0 is not all zero.
  head.writeUInt16BE(17855, 24);
  writeSync(fd, head, 0, head.length, page * blockSize);
}

interface Taken extends CopiedDelta {
  chunks: Buffer[];
  numbers: number[];
  read: number;
}

async function take(
  file: BlockFile,
  options: Partial<PageSelection> & { chunkBytes?: number; windowBytes?: number } = {},
): Promise<Taken> {
  const { chunkBytes = 8 * file.blockSize + 7, windowBytes = 5 * file.blockSize + 3 } = options;
  const output = new Chunks(chunkBytes);
  const selection = { sinceLsn: since, ...options };
  let read = 0;
  const scan = new PageScan(file, selection, new Uint8Array(windowBytes), (bytes) => {
    read += bytes;
  });
  const copied = await copyDelta(file, scan, output);
  const numbers = pagesOf(output.sent, file.blockSize);
  assert.equal(copied.pages, numbers.length);
  assert.equal(
    output.sent.reduce((sum, { length }) => sum + length, 0),
    copied.size,
  );
  for (const { length } of output.sent.slice(0, -1)) {
    assert.equal(length, copied.delta.chunkPages * file.blockSize);
  }
  return { ...copied, chunks: output.sent, numbers, read };
}

/** Page numbers of a delta, each held against what the page says. */
function pagesOf(chunks: readonly Buffer[], blockSize: number): number[] {
  const decoder = new DeltaDecoder(blockSize);
  const numbers: number[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let page = decoder.next(); page; page = decoder.next()) {
      const said = Buffer.from(page.bytes.subarray(4, 8)).readUInt32BE();
      assert.ok(said === page.pageNumber || page.bytes.every((byte) => byte === 0));
      numbers.push(page.pageNumber);
    }
  }
  decoder.end();
  return numbers;
}

const runsOf = (text = ''): PageRun[] => [...decodePageRuns(text, 'pages')];
const flat = (runs: readonly PageRun[]): number[] =>
  runs.flatMap(({ first, count }) => Array.from({ length: count }, (_, i) => first + i));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, page) => page);

describe('the changed pages of a file', () => {
  it('are those with the LSN or a later one', async () => {
    const lsns = [1, since - 1, since, since + 1, undefined, 2 ** 40];
    const file = makeFile(4096, lsns.length, (page) => lsns[page]);
    const { numbers, delta, read, size } = await take(file);
    assert.deepEqual(numbers, [2, 3, 5]);
    assert.deepEqual(delta, { fileSize: 6 * 4096, chunkPages: 8, pages: '2+1 1' });
    assert.deepEqual([read, size], [6 * 4096, 4 * 4096]);
  });

  it('are those without an LSN as well: MariaDB imports tables so', async () => {
    const file = makeFile(4096, 4, (page) => [0, 1, undefined, 0][page]);
    assert.deepEqual((await take(file)).numbers, [0, 3]);
  });

  it('are all that are not zero where the parent does not have the file', async () => {
    const lsns = [0, since - 1, undefined, since + 1, undefined];
    const file = makeFile(4096, lsns.length, (page) => lsns[page]);
    assert.deepEqual((await take(file, { sinceLsn: 0 })).numbers, [0, 1, 3]);
  });

  it('are one header page when there are none', async () => {
    for (const pages of [0, 1, 100]) {
      const { chunks, delta, size } = await take(makeFile(4096, pages, () => 1));
      assert.deepEqual(delta, { fileSize: pages * 4096, chunkPages: 8, pages: '' });
      assert.deepEqual([chunks.length, size], [1, 4096]);
    }
  });

  it('are looked for only where they are said to be', async () => {
    const file = makeFile(4096, 40, () => since);
    const runs = [
      { first: 3, count: 1 },
      { first: 10, count: 12 },
      { first: 38, count: 7 },
      { first: 90, count: 2 },
    ];
    const { numbers, read, delta } = await take(file, { runs });
    assert.deepEqual(
      numbers,
      flat(runs).filter((page) => page < 40),
    );
    assert.equal(read, (1 + 12 + 2) * 4096);
    assert.equal(delta.fileSize, 40 * 4096);
  });

  for (const blockSize of [1024, 2048, 16384, 65536]) {
    const most = blockPagesMax(blockSize);
    // Files of larger pages would be larger than they teach.
    const counts = blockSize === 65536 ? [3] : [most - 1, most, most + 1];
    if (blockSize === 1024) counts.push(2 * most - 1, 2 * most, 2 * most + 1);
    for (const changed of counts) {
      it(`fill blocks as the format wants it: ${changed} pages of ${blockSize} bytes`, async () => {
        // Every tenth page is unchanged, and some at the end.
        const wanted = upTo(changed).map((page) => page + Math.floor(page / 9));
        const pages = (wanted.at(-1) ?? 0) + 4;
        const isChanged = new Set(wanted);
        const file = makeFile(blockSize, pages, (page) => (isChanged.has(page) ? since : 1));
        const { numbers, delta, chunks } = await take(file, { windowBytes: 64 * blockSize });
        assert.deepEqual(numbers, wanted);
        assert.deepEqual(flat(runsOf(delta.pages)), wanted);
        const blocks = Math.max(1, Math.ceil(wanted.length / most));
        assert.equal(chunks.length, Math.ceil((wanted.length + blocks) / delta.chunkPages));
      });
    }
  }

  it('are not told where that would be longer than the index may be', async () => {
    // A number for every chunk, and none of them close to another.
    const file = makeFile(1024, 60_000, (page) => (page % 40 === 0 ? since : undefined));
    const { delta, numbers } = await take(file, { chunkBytes: 2 ** 21, windowBytes: 2 ** 20 });
    assert.equal(numbers.length, 1500);
    assert.equal(delta.pages, undefined);
  });
});

describe('a file that is written while its changed pages are taken', () => {
  /** Does something when page `at` is looked at for the `turn`th time. */
  const when = (file: BlockFile, at: number, turn: number, step: () => void): BlockFile => {
    let seen = 0;
    const check: BlockCheck = (_, page) => {
      if (page === at && ++seen === turn) step();
      return undefined;
    };
    return { ...file, check };
  };

  it('gives a page as it is when it is read for the second time', async () => {
    const file = makeFile(4096, 20, () => since);
    const written = when(file, 19, 1, () => {
      writePage(file.fd, 4096, 2, since + 5);
    });
    const { chunks } = await take(written);
    assert.equal(Buffer.concat(chunks).readBigUInt64BE(3 * 4096 + 16), BigInt(since + 5));
  });

  it('keeps the pages out that are changed behind the scan: they are in the redo', async () => {
    const file = makeFile(4096, 20, () => 1);
    const written = when(file, 19, 1, () => {
      writePage(file.fd, 4096, 2, since + 5);
    });
    assert.deepEqual((await take(written)).numbers, []);
  });

  for (const [turn, name] of [
    [1, 'looked for'],
    [2, 'copied'],
  ] as const) {
    it(`has a page read again that is torn while it is ${name}`, async () => {
      const file = makeFile(4096, 20, () => since);
      let seen = 0;
      const check: BlockCheck = (_, page) =>
        page === 7 && ++seen === turn ? 'it is torn' : undefined;
      assert.deepEqual((await take({ ...file, check })).numbers, upTo(20));
      assert.equal(seen, 3);
    });
  }

  it('fails when an unchanged page of it is corrupt', async () => {
    const file = makeFile(4096, 20, () => 1);
    const check: BlockCheck = (_, page) => (page === 7 ? 'it is bad' : undefined);
    await assert.rejects(take({ ...file, check }), (error: BackupError) => {
      assert.equal(error.code, 'corrupt-page');
      return /page 7 at byte 28672 is corrupt: it is bad/.test(error.message);
    });
  });

  it('ends where it ends by then, if it may shrink while it is looked through', async () => {
    const file = { ...makeFile(4096, 40, () => since), mayShrink: true };
    const shrunk = when(file, 2, 1, () => {
      ftruncateSync(file.fd, 12 * 4096 + 5);
    });
    const { numbers, delta } = await take(shrunk);
    assert.deepEqual(numbers, upTo(12));
    assert.equal(delta.fileSize, 12 * 4096);
  });

  it('has zeros for pages that went after they were listed', async () => {
    const file = { ...makeFile(4096, 40, () => since), mayShrink: true };
    const shrunk = when(file, 39, 1, () => {
      ftruncateSync(file.fd, 12 * 4096 + 5);
    });
    const { numbers, chunks, delta } = await take(shrunk);
    assert.deepEqual(numbers, upTo(40));
    assert.equal(delta.fileSize, 40 * 4096);
    const bytes = Buffer.concat(chunks);
    assert.ok(bytes.subarray((12 + 1) * 4096).every((byte) => byte === 0));
    assert.equal(bytes.readUInt32BE(12 * 4096 + 4), 11);
  });

  it('fails when it shrinks and may not', async () => {
    for (const at of [2, 39]) {
      const file = makeFile(4096, 40, () => since);
      const shrunk = when(file, at, 1, () => {
        ftruncateSync(file.fd, 12 * 4096);
      });
      await assert.rejects(take(shrunk), /t\.ibd shrank from 163840 to 49152 bytes/);
    }
  });
});
