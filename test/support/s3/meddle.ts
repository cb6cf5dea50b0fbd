// Steps of a pipeline that do to a body what a bad connection does.

import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type Meddle = (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer>;

/** Until the other side's kernel has all that was written: a socket that is destroyed drops it. */
const flushed = async (socket: Socket | null): Promise<void> => {
  const isPending = (): boolean =>
    socket !== null && !socket.destroyed && socket.writableLength > 0;
  do await sleep(1);
  while (isPending());
};

/** Calls `then` after `count` bytes, before it passes on the rest. */
const pauseAt = (count: number, then: () => Promise<void>): Meddle =>
  async function* (source) {
    let left = count;
    for await (const data of source) {
      if (left >= 0 && data.length >= left) {
        // A write of nothing never drains.
        if (left > 0) yield data.subarray(0, left);
        await then();
        if (left < data.length) yield data.subarray(left);
        left = -1;
      } else {
        yield data;
        if (left >= 0) left -= data.length;
      }
    }
  };

/** Fails after `count` bytes, which reach the other side of the socket. */
export const cutAt = (count: number, socket: () => Socket | null): Meddle =>
  pauseAt(count, async () => {
    await flushed(socket());
    throw new Error('cut');
  });

/** Passes on the first `count` bytes and waits for `released`. */
export const stallAt = (count: number, released: () => Promise<void>): Meddle =>
  pauseAt(count, released);

/** Ends after `count` bytes, as if there were no more. */
export const endAt = (count: number): Meddle =>
  async function* (source) {
    let left = count;
    for await (const data of source) {
      if (left > 0) yield data.subarray(0, left);
      left -= Math.min(left, data.length);
    }
  };

/** Flips the lowest bit of byte `place`. */
export const flipAt = (place: number): Meddle =>
  async function* (source) {
    let at = 0;
    for await (const data of source) {
      const copy = Buffer.from(data);
      const byte = copy[place - at];
      if (byte !== undefined) copy[place - at] = byte ^ 1;
      at += copy.length;
      yield copy;
    }
  };

/** Another ETag in every `<ETag>` of an XML body. */
export const wrongEtags: Meddle = async function* (source) {
  const pieces: Buffer[] = [];
  for await (const data of source) pieces.push(data);
  yield Buffer.from(
    Buffer.concat(pieces)
      .toString()
      .replaceAll(/(?<=<ETag>).*?(?=<)/gu, otherEtag),
  );
};

/** As long as `etag`, and another one. */
export const otherEtag = (etag: string): string =>
  etag.replace(/[\da-f]{32}/u, (md5) => (md5.startsWith('0') ? '1' : '0') + md5.slice(1));
