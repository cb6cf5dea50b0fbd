import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

import {
  type BlockCheck,
  settleBlocks,
  settleUnproven,
} from '../../src/backup/copy/block-reader.ts';
import type { CopyJob } from '../../src/backup/copy/copy-messages.ts';
import {
  type BlockFile,
  type BlockOutput,
  copyBlocks,
  identifyLiveSpace,
  planTablespace,
} from '../../src/backup/copy/copy-tablespace.ts';
import type { BackupError } from '../../src/errors.ts';
import { vector } from '../formats/innodb/vectors.ts';
import { scratchDir } from '../support/scratch.ts';
import {
  changedPage,
  newerPage,
  olderPage,
  pageSize,
  spaceId,
  tablePages,
  tornPage,
  writeTable,
} from './table-file.ts';

const opened: number[] = [];
after(() => {
  for (const fd of opened) closeSync(fd);
});

const openFile = (path: string): number => {
  const fd = openSync(path, 'r+');
  opened.push(fd);
  return fd;
};

/** Takes the blocks as the writer would, with buffers of this many bytes. */
class Collected implements BlockOutput {
  readonly sent: Buffer[] = [];
  returned = 0;
  /** Called with each buffer before it is filled. */
  readonly onTake: (taken: number) => void;
  readonly #bytes: number;
  #taken = 0;

  constructor(bytes: number, onTake: (taken: number) => void = () => undefined) {
    this.#bytes = bytes;
    this.onTake = onTake;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.sent);
  }

  take(): Promise<Uint8Array<ArrayBuffer>> {
    this.onTake(this.#taken++);
    return Promise.resolve(new Uint8Array(this.#bytes));
  }

  send(buffer: Uint8Array<ArrayBuffer>, length: number): void {
    this.sent.push(Buffer.from(buffer.slice(0, length)));
  }

  back(): void {
    this.returned += 1;
  }
}

/** A tablespace that is planned as the copy threads do. */
async function plan(
  path: string,
  options: Partial<CopyJob> & { redoStart?: number } = {},
): Promise<BlockFile> {
  const { redoStart = 0, ...job } = options;
  const whole: CopyJob = { kind: 'tablespace', source: path, member: 'v/dyn.ibd', ...job };
  const { file } = await planTablespace(openFile(path), whole, {
    flavour: 'mariadb',
    pageSize,
    redoStart,
  });
  return file;
}

/** The file's check, with a step before it: what the server does while the page is read. */
function between(file: BlockFile, step: (page: number, seen: number) => void): BlockFile {
  const seen = new Map<number, number>();
  const check: BlockCheck = (block, page) => {
    const times = (seen.get(page) ?? 0) + 1;
    seen.set(page, times);
    const fault = file.check?.(block, page);
    step(page, times);
    return fault;
  };
  return { ...file, check };
}

const put = (fd: number, page: number, bytes: Uint8Array): void => {
  writeSync(fd, bytes, 0, bytes.length, page * pageSize);
};

// A page that stays bad is read for a second: these wait side by side.
describe('copyBlocks', { concurrency: true }, () => {
  it('copies a table in whole pages, whatever the size of the buffers', async () => {
    const pages = tablePages(11);
    const path = writeTable(pages);
    for (const bytes of [pageSize, 2 * pageSize + 100, 64 * 1024]) {
      const out = new Collected(bytes);
      assert.equal(await copyBlocks(await plan(path), out), pages.length);
      assert.deepEqual(out.bytes, pages);
      assert.ok(out.sent.every(({ length }) => length % pageSize === 0));
    }
  });

  it('copies no part of a page that the file does not hold whole', async () => {
    const pages = tablePages();
    const out = new Collected(64 * 1024);
    const path = writeTable(Buffer.concat([pages, Buffer.alloc(pageSize - 1, 1)]));
    assert.equal(await copyBlocks(await plan(path), out), pages.length);
    assert.deepEqual(out.bytes, pages);
  });

  it('reads a torn page again, alone, until it is whole', async () => {
    const path = writeTable(tablePages());
    const file = await plan(path);
    put(file.fd, changedPage, tornPage());
    // The server goes on with its write while the third reading is being looked at.
    const healing = between(file, (page, seen) => {
      if (page === changedPage && seen === 3) put(file.fd, page, newerPage());
    });
    const out = new Collected(64 * 1024);
    await copyBlocks(healing, out);
    const expected = tablePages();
    newerPage().copy(expected, changedPage * pageSize);
    assert.deepEqual(out.bytes, expected);
  });

  it('takes a page that is torn, whole and torn again as soon as it sees it whole', async () => {
    const path = writeTable(tablePages());
    const file = await plan(path);
    const turns = [tornPage(), tornPage(), newerPage(), tornPage()];
    const writer = between(file, (page, seen) => {
      const next = turns[seen];
      if (page === changedPage && next) put(file.fd, page, next);
    });
    put(file.fd, changedPage, turns[0] ?? olderPage());
    const out = new Collected(64 * 1024);
    await copyBlocks(writer, out);
    const page = out.bytes.subarray(changedPage * pageSize, (changedPage + 1) * pageSize);
    assert.deepEqual(page, newerPage());
  });

  for (const [name, buffer] of [
    ['the first buffer', 64 * 1024],
    ['a later buffer', 3 * pageSize],
  ] as const) {
    it(`gives up on a page in ${name} that stays bad, and says which and why`, async () => {
      const path = writeTable(tablePages());
      const file = await plan(path);
      const bad = olderPage();
      bad.fill(0xdb, 1000, 1016);
      put(file.fd, changedPage, bad);
      const stored = olderPage()
        .readUInt32BE(pageSize - 4)
        .toString(16)
        .padStart(8, '0');
      const out = new Collected(buffer);
      await assert.rejects(copyBlocks(file, out), (error: BackupError) => {
        assert.equal(error.code, 'corrupt-page');
        assert.deepEqual(error.where, { path, offset: changedPage * pageSize });
        const computed = /expected 0x([0-9a-f]{8})/.exec(error.message)?.[1];
        assert.notEqual(computed, stored);
        assert.equal(
          error.message,
          `${path}: page 4 at byte 16384 is corrupt: ` +
            `checksum 0x${stored}, expected 0x${computed} (read 11 times)`,
        );
        return true;
      });
      // Nothing of the buffer with the bad page goes out.
      assert.ok(out.bytes.length <= changedPage * pageSize);
    });
  }

  it('refuses a whole page that belongs elsewhere', async () => {
    const pages = tablePages();
    olderPage().copy(pages, 3 * pageSize);
    const file = await plan(writeTable(pages));
    await assert.rejects(
      copyBlocks(file, new Collected(64 * 1024)),
      /page 3 at byte 12288 is corrupt: page number 4, expected 3/,
    );
  });

  it('leaves what is appended meanwhile to the redo log', async () => {
    const pages = tablePages();
    const file = await plan(writeTable(pages));
    const out = new Collected(2 * pageSize, (taken) => {
      if (taken === 1) put(file.fd, 6, Buffer.alloc(4 * pageSize, 0xee));
    });
    assert.equal(await copyBlocks(file, out), pages.length);
    assert.deepEqual(out.bytes, pages);
  });

  for (const [to, copied] of [
    [3 * pageSize, 3],
    [3 * pageSize + 77, 3],
    [2 * pageSize, 2],
  ] as const) {
    it(`ends where an undo tablespace ends that shrinks to ${to} bytes meanwhile`, async () => {
      const pages = tablePages(8);
      const file = await plan(writeTable(pages, 'undo001'), { mayShrink: true });
      const out = new Collected(2 * pageSize, (taken) => {
        if (taken === 1) ftruncateSync(file.fd, to);
      });
      assert.equal(await copyBlocks(file, out), copied * pageSize);
      assert.deepEqual(out.bytes, pages.subarray(0, copied * pageSize));
      // Every buffer that was taken went somewhere.
      assert.equal(out.sent.length + out.returned, 2);
    });
  }

  it('fails when a table shrinks, which tables never do', async () => {
    const path = writeTable(tablePages(8));
    const file = await plan(path);
    const out = new Collected(2 * pageSize, (taken) => {
      if (taken === 1) ftruncateSync(file.fd, 3 * pageSize);
    });
    await assert.rejects(copyBlocks(file, out), (error: BackupError) => {
      assert.equal(error.code, 'failed');
      assert.equal(error.message, `${path} shrank from 32768 to 12288 bytes`);
      return true;
    });
  });
});

describe('settleBlocks', () => {
  it('reads nothing again when all is well', async () => {
    const blocks = tablePages();
    // No such descriptor: reading would fail.
    const file = { fd: -1, path: 'nowhere' };
    const read = { bytes: blocks, position: 0, blockSize: pageSize };
    await settleBlocks(file, read, () => undefined);
  });

  it('numbers the blocks by their place in the file', async () => {
    const numbers: number[] = [];
    const read = { bytes: Buffer.alloc(300), position: 1000, blockSize: 100 };
    await settleBlocks({ fd: -1, path: '' }, read, (_, number) => {
      numbers.push(number);
      return undefined;
    });
    assert.deepEqual(numbers, [10, 11, 12]);
  });
});

describe('settleUnproven', () => {
  const sound = (): undefined => undefined;
  const unproven = (block: Uint8Array): boolean => block[0] === 1;
  const blocksOf = (bytes: Uint8Array) => ({ bytes, position: 0, blockSize: 4 });

  it('reads nothing again when every block was proved', async () => {
    await settleUnproven({ fd: -1, path: 'nowhere' }, blocksOf(Buffer.alloc(8)), sound, unproven);
  });

  it('takes a block as it is when it keeps still, whatever was read first', async () => {
    const path = join(scratchDir('unproven'), 'pages');
    writeFileSync(path, Buffer.from([0, 0, 0, 0, 1, 2, 3, 4]));
    const torn = Buffer.from([9, 9, 9, 9, 1, 2, 0, 0]);
    await settleUnproven({ fd: openFile(path), path }, blocksOf(torn), sound, unproven);
    // The first block had its proof.
    assert.deepEqual([...torn], [9, 9, 9, 9, 1, 2, 3, 4]);
  });

  it('gives up on a block that is another whenever it is read', async () => {
    const path = join(scratchDir('unproven'), 'pages');
    writeFileSync(path, Buffer.from([1, 0, 0, 0]));
    const fd = openFile(path);
    let writes = 0;
    const writer = setInterval(
      () => writeSync(fd, Buffer.from([1, ++writes % 251, 0, 0]), 0, 4, 0),
      1,
    );
    const settled = settleUnproven(
      { fd, path },
      blocksOf(Buffer.from([1, 0, 0, 0])),
      sound,
      unproven,
    );
    await assert.rejects(settled, (error: BackupError) => {
      assert.equal(error.code, 'corrupt-page');
      assert.match(error.message, /page 0 at byte 0 is corrupt: it changes whenever it is read/);
      return true;
    });
    clearInterval(writer);
  });
});

describe('page 0', { concurrency: true }, () => {
  it('tells space and page size; the page size of the server stands in while it is all zero', async () => {
    const path = writeTable(tablePages());
    assert.equal((await identifyLiveSpace(openFile(path), path, 'mariadb'))?.spaceId, spaceId);
    assert.equal((await plan(path)).blockSize, pageSize);
    const zipped = tablePages();
    vector('zip-header').page().copy(zipped, 0);
    assert.equal((await plan(writeTable(zipped))).blockSize, 1024);
    const young = writeTable(Buffer.alloc(3 * pageSize));
    assert.equal(await identifyLiveSpace(openFile(young), young, 'mariadb'), undefined);
    assert.equal((await plan(young)).blockSize, pageSize);
  });

  it('is read again while the server is in the middle of writing it', async () => {
    const path = writeTable(tablePages());
    const fd = openFile(path);
    // Its first half is there, the space header is not.
    put(fd, 0, Buffer.concat([tablePages().subarray(0, 38), Buffer.alloc(pageSize - 38)]));
    const identified = identifyLiveSpace(fd, path, 'mariadb');
    put(fd, 0, tablePages().subarray(0, pageSize));
    assert.equal((await identified)?.spaceId, spaceId);
  });

  it('that never makes sense is a corrupt page', async () => {
    const path = writeTable(tablePages());
    const fd = openFile(path);
    put(fd, 0, Buffer.alloc(100, 0x77));
    await assert.rejects(identifyLiveSpace(fd, path, 'mariadb'), (error: BackupError) => {
      assert.equal(error.code, 'corrupt-page');
      assert.deepEqual(error.where, { path, offset: 0 });
      assert.match(error.message, /^.*dyn\.ibd: page 0 at byte 0 is corrupt: .*pageNumber/);
      return true;
    });
  });

  it('all zero is fine while the other pages are younger than the redo, or were never written', async () => {
    const lsn = Number(olderPage().readBigUInt64BE(16));
    const pages = Buffer.alloc(6 * pageSize);
    olderPage().copy(pages, changedPage * pageSize);
    const out = new Collected(64 * 1024);
    await copyBlocks(await plan(writeTable(pages), { redoStart: lsn }), out);
    assert.deepEqual(out.bytes, pages);
  });

  it('all zero before a page that is older than the redo was lost, and that ends the backup', async () => {
    const lsn = Number(olderPage().readBigUInt64BE(16));
    const pages = Buffer.alloc(6 * pageSize);
    olderPage().copy(pages, changedPage * pageSize);
    const file = await plan(writeTable(pages), { redoStart: lsn + 1 });
    await assert.rejects(copyBlocks(file, new Collected(64 * 1024)), (error: BackupError) => {
      assert.equal(error.code, 'corrupt-page');
      assert.match(error.message, /page 4 .* page 0 of the file is all zero, but .* LSN \d+/);
      return true;
    });
  });
});
