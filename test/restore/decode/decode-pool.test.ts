import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { afterEach, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { BackupError } from '../../../src/errors.ts';
import { DecodePool, type PlainOutput } from '../../../src/restore/decode/decode-pool.ts';
import type { Encoding } from '../../../src/transform/encoding.ts';
import { type Suffix, decodedPath } from '../../../src/transform/member-decoder.ts';
import { memberEncoder } from '../../../src/transform/member-encoder.ts';
import { failureOf } from '../../archive/support.ts';
import { seededRandom } from '../../support/random.ts';
import { compressions, encryptions, keys, mixed, noise } from '../../transform/support.ts';

const key = keys.AES256;
const encryption = encryptions[3];
const pools: DecodePool[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.stop();
});

function startPool(given: Uint8Array | undefined = key): DecodePool {
  const pool = new DecodePool(given);
  pools.push(pool);
  return pool;
}

interface Encoded {
  path: string;
  suffixes: Suffix[];
  bytes: Uint8Array;
}

/** A member of these pieces, and its name. */
function encode(encoding: Omit<Encoding, 'digests'>, pieces: readonly Uint8Array[]): Encoded {
  const encoder = memberEncoder({ ...encoding, digests: false }, { packed: false });
  assert.ok(encoder);
  const bytes = Buffer.concat(pieces.map((piece) => Buffer.from(encoder.encode(piece))));
  const path = `t${encoder.suffix}`;
  const { suffixes } = decodedPath(path, { decompress: true, key });
  return { path, suffixes, bytes };
}

/** Keeps what it is given; each write first waits for `gate`. */
class Kept implements PlainOutput {
  readonly pieces: Buffer[] = [];
  gate: () => Promise<void> = () => Promise.resolve();
  writing = 0;
  ended = false;

  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }

  async write(bytes: Uint8Array): Promise<void> {
    assert.ok(!this.ended);
    this.writing += 1;
    assert.equal(this.writing, 1, 'one write at a time');
    await this.gate();
    this.writing -= 1;
    this.pieces.push(Buffer.from(bytes));
  }

  end(): Promise<void> {
    assert.equal(this.writing, 0);
    this.ended = true;
    return Promise.resolve();
  }
}

/** Lets go of the event loop until the value stays: messages of threads have come in. */
async function settled(value: () => number): Promise<number> {
  let [before, same] = [value(), 0];
  while (same < 20) {
    await sleep(5);
    same = value() === before ? same + 1 : 0;
    before = value();
  }
  return before;
}

const threads = (): number => readdirSync('/proc/self/task').length;

describe('the threads that decode', () => {
  it('bring members whole and in order that come in any mixture of pieces', async () => {
    const random = seededRandom(4);
    const members = compressions.flatMap((compression) =>
      encryptions.slice(compression ? 0 : 1).map((encryption, i) => {
        const plain = [mixed(1_500_000 + i, i + 1), noise(70_000, i + 1)];
        const own = encryption && { ...encryption, key };
        return { plain: Buffer.concat(plain), ...encode({ compression, encryption: own }, plain) };
      }),
    );
    const pool = startPool();
    const open = members.map(({ path, suffixes, bytes, plain }) => {
      const output = new Kept();
      return { member: pool.open(path, suffixes, output), output, bytes, plain, at: 0 };
    });
    for (let left = [...open]; left.length > 0; left = left.filter((one) => one.at >= 0)) {
      const one = random.pick(left);
      const piece = one.bytes.subarray(one.at, one.at + 1 + random.below(200_000));
      await one.member.write(piece);
      one.at += piece.length;
      if (one.at < one.bytes.length) continue;
      one.member.end();
      one.at = -1;
    }
    await pool.settle();
    for (const { output, plain } of open) {
      assert.ok(output.bytes.equals(plain));
      assert.ok(output.ended);
    }
  });

  it('end a member that has no bytes, and one whose bytes stand for none', async () => {
    const pool = startPool();
    const [empty, nothing] = [new Kept(), new Kept()];
    pool.open('a.xbcrypt', ['xbcrypt'], empty).end();
    const frame = memberEncoder(
      { compression: compressions[1], digests: false },
      { packed: false },
    );
    const member = pool.open('b.zst', ['zst'], nothing);
    await member.write(frame?.encodeNothing() ?? assert.fail());
    member.end();
    await pool.settle();
    assert.deepEqual(
      [empty.ended, empty.pieces, nothing.ended, nothing.pieces],
      [true, [], true, []],
    );
  });

  it('need none for nothing', async () => {
    const pool = new DecodePool(undefined);
    await pool.settle();
    await pool.stop();
  });

  it('take in no more than a few MiB while the output takes nothing', async () => {
    const pieces = Array.from({ length: 20 }, (_, i) => noise(2 ** 20, i));
    const { path, suffixes, bytes } = encode({ compression: compressions[1], encryption }, pieces);
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const output = new Kept();
    output.gate = () => opened;
    const pool = startPool();
    const member = pool.open(path, suffixes, output);
    let taken = 0;
    const feed = async (): Promise<void> => {
      for (let at = 0; at < bytes.length; at += 256 * 1024) {
        const piece = bytes.subarray(at, at + 256 * 1024);
        await member.write(piece);
        taken += piece.length;
      }
      member.end();
    };
    const fed = feed();
    const stalled = await settled(() => taken);
    // 2 MiB that wait for the thread, up to 2 MiB in its buffers, and the pieces at hand.
    assert.ok(stalled >= 2 * 2 ** 20, `${stalled}`);
    assert.ok(stalled <= 5 * 2 ** 20, `${stalled}`);
    assert.equal(output.pieces.length, 0);
    open();
    await fed;
    await pool.settle();
    assert.ok(output.bytes.equals(Buffer.concat(pieces)));
  });
});

describe('the threads that decode, when something is wrong', () => {
  /** What a member of these bytes ends in. */
  async function failure(
    member: Encoded,
    given: Uint8Array = key,
  ): Promise<{ error: BackupError; output: Kept }> {
    const pool = startPool(given);
    const output = new Kept();
    const error = await failureOf(async () => {
      const decoded = pool.open(member.path, member.suffixes, output);
      await decoded.write(member.bytes);
      decoded.end();
      await pool.settle();
    });
    assert.ok(!output.ended);
    return { error, output };
  }

  it('fail with path and offset of what is damaged', async () => {
    for (const compression of [compressions[1], compressions[2]]) {
      const member = encode({ compression }, [mixed(3000), mixed(3000)]);
      const damaged = Uint8Array.from(member.bytes);
      const at = damaged.length - 20;
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      const { error } = await failure({ ...member, bytes: damaged });
      assert.equal(error.code, 'corrupt');
      assert.equal(error.where.path, member.path);
      assert.ok((error.where.offset ?? 0) > 1000, `${error.where.offset}`);
      assert.match(error.message, /^t\.(zst|lz4): (zstd|lz4) .* at byte \d+: /);
    }
  });

  it('fail with path and offset of what is cut', async () => {
    for (const [encoding, what] of [
      [{ compression: compressions[1] }, /^t\.zst: zstd frame at byte \d+: the frame is cut/],
      [{ compression: compressions[2] }, /^t\.lz4: lz4 .* at byte \d+: /],
      [{ encryption }, /^t\.xbcrypt: xbcrypt chunk > ciphertext at byte \d+: /],
      [{ compression: compressions[1], encryption }, /^t\.zst\.xbcrypt: xbcrypt chunk > /],
    ] as const) {
      const member = encode(encoding, [mixed(3000)]);
      const cut = { ...member, bytes: member.bytes.subarray(0, -3) };
      const { error } = await failure(cut);
      assert.equal(error.code, 'incomplete', error.message);
      assert.match(error.message, what);
      assert.deepEqual([error.where.path, (error.where.offset ?? 0) > 0], [member.path, true]);
    }
  });

  it('tell a wrong key before the output gets a byte', async () => {
    const member = encode({ compression: compressions[1], encryption }, [mixed(200_000)]);
    const { error, output } = await failure(
      member,
      key.map((byte) => byte ^ 1),
    );
    assert.equal(error.code, 'wrong-key');
    assert.equal(error.where.path, member.path);
    assert.deepEqual(output.pieces, []);
  });

  it('fail with what the output says, and end nothing after it', async () => {
    const member = encode({ compression: compressions[1] }, [noise(5_000_000)]);
    const pool = startPool();
    const output = new Kept();
    output.gate = () => Promise.reject(new BackupError('storage', 'no space left'));
    const error = await failureOf(async () => {
      const decoded = pool.open(member.path, member.suffixes, output);
      await decoded.write(member.bytes);
      decoded.end();
      await pool.settle();
    });
    assert.deepEqual(
      [error.code, error.message, output.ended],
      ['storage', 'no space left', false],
    );
  });

  it('leave no thread behind when they are stopped in the middle', async () => {
    const member = encode({ compression: compressions[1] }, [noise(5_000_000)]);
    /** Stops a pool whose output is in the middle of a write. */
    const stopInTheMiddle = async (onReached: () => void): Promise<void> => {
      const pool = new DecodePool(key);
      const output = new Kept();
      let letGo: () => void = () => undefined;
      const reached = new Promise<void>((resolve) => {
        output.gate = () => {
          resolve();
          return new Promise((go) => {
            letGo = go;
          });
        };
      });
      const writing = pool.open(member.path, member.suffixes, output).write(member.bytes);
      const failed = failureOf(() => writing);
      await reached;
      onReached();
      const stopped = pool.stop();
      letGo();
      await stopped;
      assert.equal((await failed).code, 'failed', 'nobody waits for a thread that is gone');
    };
    // What the first pool has Node start for itself stays.
    await stopInTheMiddle(() => undefined);
    const before = await settled(threads);
    await stopInTheMiddle(() => {
      assert.ok(threads() > before);
    });
    assert.equal(await settled(threads), before);
  });
});
