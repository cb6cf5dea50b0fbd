import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PipeSink } from '../../src/sink/pipe-sink.ts';
import { failureOf } from '../archive/support.ts';
import { text } from '../formats/xbstream/support.ts';
import { type Pipe, openPipe } from './support.ts';

const pipeBytes = 64 * 1024;

/** A write that can only end when the pipe is emptied, and surely is stuck. */
async function stuckWrite(pipe: Pipe, sink: PipeSink): Promise<{ end: Promise<void> }> {
  const end = sink.write([new Uint8Array(4 * pipeBytes)]);
  end.catch(() => undefined);
  // Not before the first bytes are in the pipe is the write inside the system call.
  while (pipe.read() === undefined) await new Promise(setImmediate);
  return { end };
}

describe('PipeSink', () => {
  it('writes in order and leaves the pipe open', async (t) => {
    const pipe = openPipe(t);
    const sink = new PipeSink('pipe', pipe.writer);
    await sink.write([text('one,'), text('two,')]);
    await sink.write([text('three')]);
    await sink.close();
    assert.equal(Buffer.from(pipe.read() ?? []).toString(), 'one,two,three');
  });

  it('fails when the reader is gone, then and ever after', async (t) => {
    const pipe = openPipe(t);
    const sink = new PipeSink('standard output', pipe.writer);
    await sink.write([text('read by nobody')]);
    pipe.closeReader();
    for (let i = 0; i < 2; i += 1) {
      const error = await failureOf(() => sink.write([text('x')]));
      assert.equal(error.code, 'storage');
      assert.equal(
        error.message,
        'standard output: the reader of the pipe is gone (EPIPE in write)',
      );
    }
    await sink.abort();
  });

  it('fails a write that is stuck when the reader goes', async (t) => {
    const pipe = openPipe(t);
    const sink = new PipeSink('pipe', pipe.writer);
    const { end } = await stuckWrite(pipe, sink);
    pipe.closeReader();
    assert.match((await failureOf(() => end)).message, /the reader of the pipe is gone/);
  });

  it('can be given up while its reader stalls', async (t) => {
    const pipe = openPipe(t);
    const sink = new PipeSink('pipe', pipe.writer);
    const { end } = await stuckWrite(pipe, sink);
    await sink.abort();
    await end;
  });

  it('leaves what was written alone when it is given up between writes', async (t) => {
    const pipe = openPipe(t);
    const sink = new PipeSink('pipe', pipe.writer);
    await sink.write([text('kept')]);
    await sink.abort();
    assert.equal(Buffer.from(pipe.read() ?? []).toString(), 'kept');
  });

  it('gives the reader a last word behind what is in the pipe', async (t) => {
    const pipe = openPipe(t);
    const sink = new PipeSink('pipe', pipe.writer);
    await sink.write([text('kept,')]);
    await sink.abort(text('the end'));
    assert.equal(Buffer.from(pipe.read() ?? []).toString(), 'kept,the end');
  });

  it('gives the last word alone to a reader that stalls, and nothing of what was stuck', async (t) => {
    const pipe = openPipe(t);
    const sink = new PipeSink('pipe', pipe.writer);
    const { end } = await stuckWrite(pipe, sink);
    await sink.abort(text('the end'));
    await end;
    assert.equal(Buffer.from(pipe.read() ?? []).toString(), 'the end');
  });

  it('makes room for the last word in a pipe that was full between writes', async (t) => {
    const pipe = openPipe(t);
    const sink = new PipeSink('pipe', pipe.writer);
    await sink.write([new Uint8Array(pipeBytes)]);
    await sink.abort(text('the end'));
    assert.equal(Buffer.from(pipe.read() ?? []).toString(), 'the end');
  });
});
