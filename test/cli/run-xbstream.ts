// The xbstream program inside of the test's own process.

import { PassThrough } from 'node:stream';
import { xbstream } from '../../src/cli/xbstream.ts';

export interface XbstreamResult {
  status: number;
  archive: Buffer;
  stdout: string;
  stderr: string;
}

/** Runs the program; `pieces` come in on standard input one by one. */
export async function runXbstream(
  args: readonly string[],
  ...pieces: Uint8Array[]
): Promise<XbstreamResult> {
  const archive: Buffer[] = [];
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const status = await xbstream(args, {
    openInput: () => ({
      name: 'standard input',
      bytes: (async function* () {
        for (const piece of pieces) yield await Promise.resolve(piece);
      })(),
    }),
    openOutput: () => ({
      name: 'standard output',
      write: (buffers) => {
        // The buffers are used again after this.
        archive.push(...buffers.map((bytes) => Buffer.from(bytes)));
        return Promise.resolve();
      },
      close: () => Promise.resolve(),
      abort: () => Promise.resolve(),
    }),
    stdout,
    stderr,
  });
  const says = (stream: PassThrough): string => ((stream.read() as Buffer | null) ?? '').toString();
  return { status, archive: Buffer.concat(archive), stdout: says(stdout), stderr: says(stderr) };
}
