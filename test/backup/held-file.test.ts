import assert from 'node:assert/strict';
import { appendFileSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import type { MemberStore } from '../../src/archive/member-store.ts';
import { HeldFile } from '../../src/backup/held-file.ts';
import { BackupError } from '../../src/errors.ts';
import { scratchDir } from '../support/scratch.ts';

const pageBytes = 8192;

/** A store that keeps the one member in memory. */
function memoryStore(): { store: MemberStore; written: Buffer[]; closed: () => boolean } {
  const written: Buffer[] = [];
  let closed = false;
  const store: MemberStore = {
    bytesWritten: 0,
    open: () => ({
      write: (payload) => {
        written.push(Buffer.from(payload));
        return Promise.resolve();
      },
      close: () => {
        closed = true;
        return Promise.resolve();
      },
    }),
    finish: () => Promise.resolve(),
    abort: () => Promise.resolve(),
  };
  return { store, written, closed: () => closed };
}

function held(
  content: Buffer,
  unsettledBytes: number | undefined,
): { path: string; file: HeldFile } & ReturnType<typeof memoryStore> {
  const folder = scratchDir('held');
  const path = join(folder, 'aria_log.00000001');
  writeFileSync(path, content);
  const memory = memoryStore();
  const job = { kind: 'plain', source: path, member: 'aria_log.00000001', unsettledBytes } as const;
  return { path, file: new HeldFile(job, memory.store, folder), ...memory };
}

describe('a file that is written until commits are held off', () => {
  it('is copied ahead up to what is unsettled, and read on when they are', async () => {
    const { path, file, written, closed } = held(Buffer.alloc(300 * pageBytes, 1), pageBytes);
    await file.ahead();
    assert.equal(Buffer.concat(written).length, 299 * pageBytes);
    const fd = openSync(path, 'r+');
    writeSync(fd, Buffer.alloc(pageBytes, 2), 0, pageBytes, 299 * pageBytes);
    appendFileSync(path, Buffer.alloc(pageBytes / 2, 3));
    file.hold();
    const expected = readFileSync(path);
    appendFileSync(path, 'written when commits go on again');
    assert.equal(closed(), false);
    await file.release();
    assert.deepEqual(Buffer.concat(written), expected);
    assert.ok(closed());
    file.close();
  });

  it('gives nothing to the store while commits are held off, however much there is', async () => {
    const content = Buffer.alloc(9 * 1024 * 1024, 7);
    const { file, written } = held(content, undefined);
    await file.ahead();
    file.hold();
    assert.equal(written.length, 0);
    await file.release();
    assert.deepEqual(Buffer.concat(written), content);
    file.close();
  });

  it('is read whole at the end when it is smaller than what is unsettled', async () => {
    const { path, file, written } = held(Buffer.alloc(100, 1), pageBytes);
    await file.ahead();
    assert.equal(written.length, 0);
    file.hold();
    await file.release();
    assert.deepEqual(Buffer.concat(written), readFileSync(path));
    file.close();
  });

  it('fails the backup when its header changed after it was copied', async () => {
    const { path, file, closed } = held(Buffer.alloc(3 * pageBytes, 1), pageBytes);
    await file.ahead();
    writeSync(openSync(path, 'r+'), Buffer.from([9]), 0, 1, 40);
    assert.throws(
      () => {
        file.hold();
      },
      (error) => error instanceof BackupError && /was finished while/u.test(error.message),
    );
    assert.equal(closed(), false);
    file.close();
  });
});
