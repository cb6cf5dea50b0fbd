import assert from 'node:assert/strict';
import { execPath } from 'node:process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { crc32 } from '../../formats/crc.ts';
import type { MemberInfo, MemberStore, MemberWriter } from '../../src/archive/member-store.ts';
import type { CopyJob } from '../../src/backup/copy/copy-messages.ts';
import { CopyPool } from '../../src/backup/copy/copy-pool.ts';
import { BackupError } from '../../src/errors.ts';
import { type Encoding, plainEncoding } from '../../src/transform/encoding.ts';
import { decodeWhole } from '../../src/transform/decode-whole.ts';
import { sha256Of } from '../archive/support.ts';
import { scratchDir } from '../support/scratch.ts';
import { keys, noise } from '../transform/support.ts';
import {
  changedPage,
  newerPage,
  olderPage,
  pageSize,
  tablePages,
  writeTable,
} from './table-file.ts';

const chunkBytes = 4 * pageSize;
const buffers = 3;

/** Keeps members in memory; every write first waits for `gate`. */
class MemoryStore implements MemberStore {
  readonly members = new Map<string, Buffer>();
  readonly infos: MemberInfo[] = [];
  readonly closed: string[] = [];
  readonly plainSizes = new Map<string, number | undefined>();
  digests = 0;
  gate: (path: string) => Promise<void> = () => Promise.resolve();
  bytesWritten = 0;
  waiting = 0;

  open(info: MemberInfo): MemberWriter {
    const { path } = info;
    this.infos.push(info);
    this.members.set(path, Buffer.alloc(0));
    return {
      write: async (payload, crc, sha256) => {
        if (sha256 !== undefined) assert.equal(sha256, sha256Of(payload));
        this.digests += sha256 === undefined ? 0 : 1;
        this.waiting += 1;
        await this.gate(path);
        this.waiting -= 1;
        assert.equal(crc, crc32(payload));
        this.members.set(path, Buffer.concat([this.members.get(path) ?? Buffer.alloc(0), payload]));
        this.bytesWritten += payload.length;
      },
      close: (plainSize) => {
        this.closed.push(path);
        this.plainSizes.set(path, plainSize);
        return Promise.resolve();
      },
    };
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }

  abort(): Promise<void> {
    return Promise.resolve();
  }
}

const pools: CopyPool[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.stop();
});

const startPool = (
  threads: number,
  store: MemberStore,
  encoding: Encoding = plainEncoding,
): CopyPool => {
  const data = { flavour: 'mariadb', buffers, chunkBytes, pageSize, redoStart: 0 } as const;
  const pool = new CopyPool(threads, { ...data, encoding }, store);
  pools.push(pool);
  return pool;
};

const table = (source: string, member: string): CopyJob => ({ kind: 'tablespace', source, member });

/** Lets go of the event loop until nothing more happens: messages of threads have come in. */
const settled = async (value: () => number): Promise<number> => {
  let [before, same] = [value(), 0];
  while (same < 20) {
    await sleep(5);
    same = value() === before ? same + 1 : 0;
    before = value();
  }
  return before;
};

describe('the copy threads', () => {
  it('copy every file once and tell what it is', async () => {
    const store = new MemoryStore();
    const pages = tablePages(40);
    const paths = Array.from({ length: 7 }, (_, i) => writeTable(pages, `t${i}.ibd`));
    const jobs = paths.map((path, i) => table(path, `v/t${i}.ibd`));
    const outcomes = await startPool(3, store).copy(jobs);
    assert.equal(outcomes.length, 7);
    assert.deepEqual([...store.closed].sort(), jobs.map(({ member }) => member).sort());
    for (const bytes of store.members.values()) assert.deepEqual(bytes, pages);
    for (const info of store.infos) assert.deepEqual([info.spaceId, info.pageSize], [7, pageSize]);
    const inodes = outcomes.map((outcome) => 'copied' in outcome && outcome.copied.inode);
    assert.equal(new Set(inodes).size, 7);
  });

  it('encode what they copy as it was asked for, in the smallest blocks and chunks too', async () => {
    const encryption = { algorithm: 'AES256', key: keys.AES256, chunkBytes: 1024 };
    const dir = scratchDir('plain');
    const hard = noise(3 * chunkBytes + 5);
    writeFileSync(join(dir, 'hard'), hard);
    writeFileSync(join(dir, 'empty'), '');
    const pages = tablePages(40);
    const source = writeTable(pages);
    for (const compression of [
      undefined,
      { algorithm: 'zstd', level: 1 } as const,
      { algorithm: 'lz4', blockBytes: 1024 } as const,
    ]) {
      const store = new MemoryStore();
      await startPool(2, store, { compression, encryption, digests: true }).copy([
        table(source, 'v/t.ibd'),
        { kind: 'plain', source: join(dir, 'hard'), member: 'hard' },
        { kind: 'plain', source: join(dir, 'empty'), member: 'empty' },
      ]);
      const suffix = { none: '', zstd: '.zst', lz4: '.lz4' }[compression?.algorithm ?? 'none'];
      for (const [path, wanted] of [
        ['v/t.ibd', pages],
        ['hard', Buffer.from(hard)],
        ['empty', Buffer.alloc(0)],
      ] as const) {
        const member = `${path}${suffix}.xbcrypt`;
        const bytes = store.members.get(member) ?? assert.fail(member);
        const options = { key: keys.AES256, bytesMax: wanted.length };
        assert.deepEqual(decodeWhole(member, bytes, options), wanted);
        assert.equal(store.plainSizes.get(member), wanted.length);
      }
      assert.equal(store.closed.length, 3);
      assert.ok(store.digests > 0);
    }
  });

  it('say so when a file is gone, and go on', async () => {
    const store = new MemoryStore();
    const path = writeTable(tablePages());
    const gone = table(join(scratchDir('gone'), 'x.ibd'), 'v/x.ibd');
    const outcomes = await startPool(1, store).copy([gone, table(path, 'v/t.ibd')]);
    assert.deepEqual(outcomes[0], { vanished: gone });
    assert.deepEqual([...store.members.keys()], ['v/t.ibd']);
  });

  it('copy plain files up to the size that was asked for, empty ones too', async () => {
    const store = new MemoryStore();
    const dir = scratchDir('plain');
    writeFileSync(join(dir, 'log'), 'x'.repeat(50_000));
    writeFileSync(join(dir, 'empty'), '');
    await startPool(2, store).copy([
      { kind: 'plain', source: join(dir, 'log'), member: 'log', bytesMax: 20_001 },
      { kind: 'plain', source: join(dir, 'empty'), member: 'empty' },
    ]);
    assert.equal(store.members.get('log')?.toString(), 'x'.repeat(20_001));
    assert.equal(store.members.get('empty')?.length, 0);
    assert.deepEqual(store.closed.sort(), ['empty', 'log']);
  });

  it('fail with the path and the page when a page stays bad, and leave the member open', async () => {
    const store = new MemoryStore();
    const pages = tablePages();
    pages.fill(0xdb, changedPage * pageSize + 500, changedPage * pageSize + 600);
    const path = writeTable(pages);
    await assert.rejects(
      startPool(2, store).copy([table(path, 'v/t.ibd')]),
      (error: BackupError) => {
        assert.equal(error.code, 'corrupt-page');
        assert.deepEqual(error.where, { path, offset: changedPage * pageSize });
        assert.match(error.hint ?? '', /CHECK TABLE/);
        return true;
      },
    );
    assert.deepEqual(store.closed, []);
  });

  it('read no further than their buffers while the store takes nothing', async () => {
    const store = new MemoryStore();
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    store.gate = () => opened;
    const pages = tablePages(200);
    const copied = startPool(2, store).copy([
      table(writeTable(pages), 'v/a.ibd'),
      table(writeTable(pages), 'v/b.ibd'),
    ]);
    while (store.waiting < 2 * buffers) await sleep(5);
    assert.equal(await settled(() => store.waiting), 2 * buffers);
    open();
    await copied;
    assert.deepEqual(store.members.get('v/b.ibd'), pages);
  });

  it('fail with what the store says, at once', async () => {
    const store = new MemoryStore();
    store.gate = (path) =>
      path === 'v/b.ibd'
        ? Promise.reject(new BackupError('storage', 'no space left'))
        : Promise.resolve();
    const jobs = ['a', 'b', 'c', 'd'].map((name) =>
      table(writeTable(tablePages(100)), `v/${name}.ibd`),
    );
    await assert.rejects(startPool(2, store).copy(jobs), /no space left/);
    assert.ok(!store.closed.includes('v/b.ibd'));
  });

  it('bring whole pages of a file that another process writes in halves all the time', async () => {
    const path = writeTable(tablePages(100));
    const writer = spawn(execPath, ['-e', tearing, path, String(changedPage * pageSize)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(writer, 'exit');
    await once(writer.stdout, 'data');
    writer.stdin.write(Buffer.concat([olderPage(), newerPage()]));
    try {
      for (let round = 0; round < 20; round++) {
        const store = new MemoryStore();
        const pool = startPool(1, store);
        await pool.copy([table(path, 'v/t.ibd')]);
        await pool.stop();
        const at = changedPage * pageSize;
        const page = store.members.get('v/t.ibd')?.subarray(at, at + pageSize);
        const whole = [olderPage(), newerPage()].some((version) => page?.equals(version));
        assert.ok(whole, 'the copied page is torn');
      }
    } finally {
      writer.stdin.end();
    }
    assert.deepEqual(await ended, [0, null]);
  });
});

/** Writes the two versions of a page by turns, in halves, until its input ends. */
const tearing = `
const fs = require('fs');
const [path, offset] = process.argv.slice(1);
const fd = fs.openSync(path, 'r+');
process.stdout.write('open');
let input = Buffer.alloc(0);
let turns = 0;
process.stdin.on('data', (bytes) => { input = Buffer.concat([input, bytes]); if (input.length === ${2 * pageSize}) turn(); });
process.stdin.on('end', () => process.exit(0));
function turn() {
  const at = (turns % 2) * ${pageSize};
  const half = ${pageSize / 2};
  fs.writeSync(fd, input, at, half, Number(offset));
  // Torn one time in four; of a server's write it would be one in thousands.
  setTimeout(() => {
    fs.writeSync(fd, input, at + half, half, Number(offset) + half);
    turns++;
    setTimeout(turn, 3);
  }, 1);
}
`;
