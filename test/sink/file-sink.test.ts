import assert from 'node:assert/strict';
import {
  closeSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { FileSink } from '../../src/sink/file-sink.ts';
import { failureOf } from '../archive/support.ts';
import { text } from '../formats/xbstream/support.ts';
import { scratchDir } from '../support/scratch.ts';
import { openPipe } from './support.ts';

describe('FileSink', () => {
  it('writes buffers of any number and size, in order', async () => {
    const path = join(scratchDir('sink'), 'file');
    const sink = await FileSink.create(path);
    // More buffers than one system call takes.
    const many = Array.from({ length: 2500 }, (_, i) => text(i % 7 === 0 ? '' : `${i},`));
    await sink.write(many);
    await sink.write([]);
    await sink.write([text('end')]);
    await sink.close();
    assert.equal(readFileSync(path, 'utf8'), Buffer.concat([...many, text('end')]).toString());
    assert.equal(statSync(path).mode & 0o007, 0, 'nothing for others: it is all their data');
  });

  it('closes its file once, whoever has the number of it by then', async () => {
    const directory = scratchDir('sink');
    const sink = await FileSink.create(join(directory, 'file'));
    await sink.close();
    const next = openSync(join(directory, 'next'), 'wx');
    await sink.abort();
    writeSync(next, 'written');
    closeSync(next);
    assert.equal(readFileSync(join(directory, 'next'), 'utf8'), 'written');
  });

  it('refuses a path where something is, and follows no symbolic link', async () => {
    const directory = scratchDir('sink');
    const [there, outside] = [join(directory, 'there'), join(directory, 'outside')];
    writeFileSync(there, 'precious');
    symlinkSync(outside, join(directory, 'link'));
    for (const path of [there, join(directory, 'link')]) {
      const error = await failureOf(() => FileSink.create(path));
      assert.equal(error.code, 'storage');
      assert.match(error.message, /it exists already/);
      assert.equal(error.where.path, path);
    }
    assert.equal(readFileSync(there, 'utf8'), 'precious');
    assert.throws(() => statSync(outside), /ENOENT/);
  });

  it('goes on where a descriptor that it was given stands, and leaves it open', async () => {
    const path = join(scratchDir('sink'), 'file');
    writeFileSync(path, 'before,');
    const fd = openSync(path, 'a');
    const sink = FileSink.inherited('standard output', fd);
    await sink.write([text('one,'), text('two')]);
    await sink.close();
    await sink.abort();
    closeSync(fd);
    assert.equal(readFileSync(path, 'utf8'), 'before,one,two');
  });

  it('puts a last word behind the write that is under way when it is given up', async () => {
    const path = join(scratchDir('sink'), 'file');
    const fd = openSync(path, 'w');
    const sink = FileSink.inherited('standard output', fd);
    const bytes = new Uint8Array(1_000_000);
    const writing = sink.write([bytes]);
    await sink.abort(text('the end'));
    await writing;
    closeSync(fd);
    assert.ok(readFileSync(path).equals(Buffer.concat([bytes, text('the end')])));
  });

  it('says that the disk is full, and where', async () => {
    const fd = openSync('/dev/full', 'w');
    const sink = FileSink.inherited('standard output', fd);
    const error = await failureOf(() => sink.write([text('x')]));
    closeSync(fd);
    assert.equal(error.code, 'storage');
    assert.equal(error.message, 'standard output: no space left on the device (ENOSPC in write)');
  });

  it('writes everything through short writes and a descriptor that is busy', async (t) => {
    const pipe = openPipe(t, { nonBlocking: true });
    const sink = FileSink.inherited('pipe', pipe.writer);
    // Three times what a pipe holds, in pieces that never fit its pages.
    const buffers = Array.from({ length: 200 }, (_, i) => new Uint8Array(1001).fill(i));
    const [filled, read]: [Uint8Array[], Uint8Array[]] = [[], []];
    const fill = new Uint8Array(1000).fill(255);
    // The pipe is full when the first write comes, and stays so while other files are read.
    assert.throws(() => {
      for (;;) filled.push(fill.subarray(0, writeSync(pipe.writer, fill)));
    }, /EAGAIN/);
    let isDone = false as boolean;
    const writing = sink.write(buffers).finally(() => {
      isDone = true;
    });
    for (let i = 0; i < 10; i += 1) await readFile('package.json');
    for (;;) {
      const part = pipe.read();
      if (part) read.push(part);
      else if (isDone) break;
      else await new Promise(setImmediate);
    }
    await writing;
    assert.ok(Buffer.concat(read).equals(Buffer.concat([...filled, ...buffers])));
  });
});
