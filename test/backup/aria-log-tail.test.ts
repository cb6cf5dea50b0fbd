import assert from 'node:assert/strict';
import { appendFileSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import type { MemberStore } from '../../src/archive/member-store.ts';
import { AriaLogTail } from '../../src/backup/aria-log-tail.ts';
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

function log(pages: number): { path: string; tail: AriaLogTail } & ReturnType<typeof memoryStore> {
  const path = join(scratchDir('aria'), 'aria_log.00000001');
  writeFileSync(path, Buffer.alloc(pages * pageBytes, 1));
  const memory = memoryStore();
  const job = { kind: 'plain', source: path, member: 'aria_log.00000001' } as const;
  return { path, tail: new AriaLogTail(job, memory.store), ...memory };
}

describe('the newest Aria log', () => {
  it('is copied up to its last page, and what came since then when commits are held off', async () => {
    const { path, tail, written, closed } = log(300);
    await tail.copyFinalPages();
    assert.equal(Buffer.concat(written).length, 299 * pageBytes);
    const fd = openSync(path, 'r+');
    writeSync(fd, Buffer.alloc(pageBytes, 2), 0, pageBytes, 299 * pageBytes);
    appendFileSync(path, Buffer.alloc(pageBytes / 2, 3));
    await tail.finish();
    assert.deepEqual(Buffer.concat(written), readFileSync(path));
    assert.ok(closed());
    tail.close();
  });

  it('is copied whole at the end when it has one page', async () => {
    const { path, tail, written } = log(1);
    await tail.copyFinalPages();
    assert.equal(written.length, 0);
    await tail.finish();
    assert.deepEqual(Buffer.concat(written), readFileSync(path));
    tail.close();
  });

  it('fails the backup when its header changed after it was copied', async () => {
    const { path, tail, closed } = log(3);
    await tail.copyFinalPages();
    writeSync(openSync(path, 'r+'), Buffer.from([9]), 0, 1, 40);
    await assert.rejects(
      tail.finish(),
      (error) => error instanceof BackupError && /was finished while/u.test(error.message),
    );
    assert.equal(closed(), false);
    tail.close();
  });
});
