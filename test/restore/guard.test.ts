import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { before, describe, it } from 'node:test';
import { guard } from '../../src/archive/guard.ts';
import { BackupError } from '../../src/errors.ts';
import {
  MemorySink,
  assemble,
  chunksOf,
  errorOf,
  failureOf,
  flipped,
  samples,
  sourceOf,
  stockArchive,
} from '../archive/support.ts';
import { endChunk, payloadChunk, text } from '../formats/xbstream/support.ts';
import { scratchDir } from '../support/scratch.ts';
import { guarded, packByMbstream, smallTree, unpackByMbstream } from './extract-support.ts';

const archive = assemble(samples);

/** Runs mbstream on what the guard passed on, in a folder of its own that goes again. */
function extractorStatus(folder: string, passed: Uint8Array): number | null {
  mkdirSync(folder);
  const status = unpackByMbstream(passed, folder);
  rmSync(folder, { recursive: true });
  return status;
}

describe('guard', () => {
  it('passes a whole archive on unchanged and closes the sink', async () => {
    for (const whole of [archive, packByMbstream(smallTree), stockArchive()]) {
      for (const pieceBytes of [1, 100, whole.length]) {
        const { error, passed } = await guarded(whole, { pieceBytes });
        assert.equal(error, undefined);
        assert.deepEqual(Buffer.from(passed), Buffer.from(whole));
      }
    }
    const sink = new MemorySink();
    const { signal } = new AbortController();
    const summary = await guard(sourceOf(archive), sink, { anyArchive: false, signal });
    assert.equal(summary.members, samples.length + 1);
    assert.deepEqual(sink.events, ['close']);
  });

  it('passes an archive that is no backup only when asked to', async () => {
    const plain = packByMbstream({ a: 'x' });
    assert.equal((await guarded(plain, { anyArchive: true })).error, undefined);
    assert.equal((await guarded(plain)).error?.code, 'incomplete');
  });

  it('passes no byte of a piece in which it found damage, and spoils the stream there', async () => {
    const at = chunksOf(archive)[4]?.from ?? 0;
    const damaged = flipped(archive, at, 0);
    // The second piece has five good bytes and then the damage.
    const good = at - 5;
    const { error, passed } = await guarded(damaged, { pieceBytes: good });
    assert.equal(error?.code, 'corrupt');
    assert.deepEqual(Buffer.from(passed.subarray(0, good)), Buffer.from(archive.subarray(0, good)));
    assert.match(
      Buffer.from(passed.subarray(good)).toString(),
      /^\n\0\*\*\* xbpipe guard: this arch/,
    );
  });

  it('spoils a stream whose source fails, or that is interrupted', async () => {
    const { signal } = new AbortController();
    const sink = new MemorySink();
    const source = {
      name: 'test',
      bytes: (async function* () {
        yield await Promise.resolve(archive.subarray(0, 100));
        throw new Error('the disk is gone');
      })(),
    };
    const error = await failureOf(() => guard(source, sink, { anyArchive: false, signal }));
    assert.match(error.message, /the disk is gone/);
    assert.match(Buffer.from(sink.bytes).toString(), /this archive is not whole/);

    const stopped = AbortSignal.abort(new BackupError('terminated', 'terminated'));
    const empty = new MemorySink();
    const options = { anyArchive: false, signal: stopped };
    const interrupted = await failureOf(() => guard(sourceOf(archive), empty, options));
    assert.equal(interrupted.code, 'terminated');
    assert.match(Buffer.from(empty.bytes).toString(), /^\n\0\*\*\* xbpipe guard/);
  });

  it('gives a sink up at a signal although its write does not end, and spoils the stream', async () => {
    for (const stuckAt of ['the archive', 'what spoils it'] as const) {
      const stop = new AbortController();
      const sink = new MemorySink();
      sink.write = () => {
        stop.abort(new BackupError('terminated', 'terminated'));
        return new Promise(() => undefined);
      };
      const noise = sourceOf(text('no archive at all'));
      const source = stuckAt === 'the archive' ? sourceOf(archive) : noise;
      const options = { anyArchive: false, signal: stop.signal };
      const error = await failureOf(() => guard(source, sink, options));
      assert.equal(error.code, stuckAt === 'the archive' ? 'terminated' : 'corrupt');
      assert.match(Buffer.from(sink.bytes).toString(), /^\n\0\*\*\* xbpipe guard/);
      assert.deepEqual(sink.events, ['abort']);
    }
  });

  it('reports a sink that fails', async () => {
    const { signal } = new AbortController();
    const sink = new MemorySink(500);
    const error = await failureOf(() =>
      guard(sourceOf(archive, 100), sink, { anyArchive: false, signal }),
    );
    assert.match(error.message, /the sink is full/);
    assert.ok(sink.bytes.length <= 500);
  });
});

describe('an extractor behind the guard', () => {
  let folder: string;
  before(() => {
    folder = joinPath(scratchDir('behind'), 'target');
  });

  it('fails too, wherever the archive is cut', async () => {
    const whole = packByMbstream(smallTree);
    assert.equal(extractorStatus(folder, whole), 0);
    for (let cut = 0; cut < whole.length; cut += 1) {
      const { error, passed } = await guarded(whole.subarray(0, cut));
      assert.ok(error);
      assert.notEqual(extractorStatus(folder, passed), 0, `cut at ${cut}`);
    }
  });

  it('fails even when the cut is inside a name that is as long as names can be', async () => {
    // What spoils the stream becomes the rest of the name. It must not fill it exactly, and not
    // make a name that no file can have: mbstream then goes on and exits with 0.
    const long = `${'d'.repeat(250)}/${'f'.repeat(250)}`;
    const whole = stockArchive(payloadChunk(long, 0, text('x')), endChunk(long));
    assert.equal(extractorStatus(folder, whole), 0);
    const [end] = chunksOf(whole).filter(({ kind }) => kind === 'end');
    assert.equal(end?.path, long);
    for (let cut = end.from; cut < end.to; cut += 1) {
      const { error, passed } = await guarded(whole.subarray(0, cut));
      assert.equal(error?.code, 'incomplete');
      assert.notEqual(extractorStatus(folder, passed), 0, `${end.to - cut} bytes before its end`);
    }
  });

  it('would take a cut between two chunks for whole by itself', () => {
    const whole = packByMbstream(smallTree);
    const cut = chunksOf(whole)[3]?.from ?? 0;
    assert.equal(extractorStatus(folder, whole.subarray(0, cut)), 0);
  });
});

describe('guard and errors of its own', () => {
  it('never throws anything that has no exit status', async () => {
    const { signal } = new AbortController();
    const noise = sourceOf(text('no archive at all'));
    const error = await errorOf(() => guard(noise, new MemorySink(), { anyArchive: true, signal }));
    assert.ok(error instanceof BackupError);
    assert.equal(error.status, 31);
  });
});
