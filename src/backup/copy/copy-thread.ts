import { closeSync, fstatSync, openSync } from 'node:fs';
import { hasCode } from '../../errors.ts';
import { JobQueue } from '../../worker/job-queue.ts';
import { type ThreadPort, runThread } from '../../worker/thread.ts';
import { encodedBytesMax, memberEncoder } from '../../transform/member-encoder.ts';
import { ChunkOutput } from './chunk-output.ts';
import { planAria } from './copy-aria.ts';
import type { CopyJob, CopyThreadData, FromCopyThread, ToCopyThread } from './copy-messages.ts';
import { type BlockFile, type FileOutput, copyBlocks, planTablespace } from './copy-tablespace.ts';
import { EncodedOutput } from './encoded-output.ts';
import { isPacked } from './packed-tablespace.ts';

/** A page copier: one file at a time, read, checked and handed on in chunks. */
runThread<CopyThreadData, FromCopyThread, ToCopyThread>(async (data, port) => {
  const output = new ChunkOutput(port, {
    buffers: data.buffers,
    chunkBytes: encodedBytesMax(data.encoding, data.chunkBytes),
    digests: data.encoding.digests,
  });
  const jobs = new JobQueue<CopyJob>();
  port.onMessage((message) => {
    if (message.kind === 'buffer') output.back(message.buffer);
    else jobs.push(message.job);
  });
  const outputs = outputsOf(output, data);
  for (;;) await copy(await jobs.next(), data, port, outputs);
});

/** Where files go, `packed` ones and others: encoders and the memory to read into serve them all. */
type Outputs = Record<'packed' | 'other', FileOutput>;

function outputsOf(output: ChunkOutput, { encoding, chunkBytes }: CopyThreadData): Outputs {
  const plain = new Uint8Array(chunkBytes);
  const outputFor = (packed: boolean): FileOutput => {
    const encoder = memberEncoder(encoding, { packed });
    return encoder ? new EncodedOutput(output, encoder, plain) : output;
  };
  return { packed: outputFor(true), other: outputFor(false) };
}

async function copy(
  job: CopyJob,
  data: CopyThreadData,
  port: ThreadPort<FromCopyThread, ToCopyThread>,
  outputs: Outputs,
): Promise<void> {
  const fd = openIfThere(job.source);
  if (fd === undefined) {
    port.post({ kind: 'vanished' });
    return;
  }
  try {
    const { spaceId, pageSize, file, packed = false } = await plan(fd, job, data);
    const output = packed ? outputs.packed : outputs.other;
    port.post({ kind: 'open', spaceId, pageSize, suffix: output.suffix });
    const size = await copyBlocks(file, output);
    await output.end();
    const { dev: device, ino: inode } = fstatSync(fd);
    const { member, source } = job;
    port.post({ kind: 'copied', file: { member, source, device, inode, size, spaceId } });
  } finally {
    closeSync(fd);
  }
}

interface CopyPlan {
  file: BlockFile;
  spaceId?: number | undefined;
  pageSize?: number | undefined;
  /** Not worth a compression. */
  packed?: boolean;
}

async function plan(fd: number, job: CopyJob, data: CopyThreadData): Promise<CopyPlan> {
  switch (job.kind) {
    case 'tablespace': {
      const { identity, file } = await planTablespace(fd, job, data);
      if (!identity) return { file };
      const { spaceId, format } = identity;
      const pageSize = format.physicalPageSize;
      return { file, spaceId, pageSize, packed: isPacked(file, format) };
    }
    case 'aria-index':
    case 'aria-data':
      return { file: planAria(fd, job) };
    case 'plain':
      return { file: planPlain(fd, job) };
  }
}

/** Any other file, byte for byte; the locks say that it keeps still or only grows. */
function planPlain(fd: number, job: CopyJob): BlockFile {
  const size = Math.min(fstatSync(fd).size, job.bytesMax ?? Infinity);
  return { fd, path: job.source, blockSize: 1, size, mayShrink: false, check: undefined };
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
