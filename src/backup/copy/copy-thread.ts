import { closeSync, fstatSync, openSync } from 'node:fs';
import { deltaSuffix } from '../../../formats/delta/index.ts';
import { hasCode } from '../../errors.ts';
import { JobQueue } from '../../worker/job-queue.ts';
import { type ThreadPort, runThread } from '../../worker/thread.ts';
import { encodedBytesMax, memberEncoder } from '../../transform/member-encoder.ts';
import { ChunkOutput } from './chunk-output.ts';
import { planAria } from './copy-aria.ts';
import { copyDelta } from './copy-delta.ts';
import type {
  CopiedMember,
  CopyJob,
  CopyThreadData,
  FromCopyThread,
  ToCopyThread,
} from './copy-messages.ts';
import { type BlockFile, type FileOutput, copyBlocks, planTablespace } from './copy-tablespace.ts';
import { EncodedOutput } from './encoded-output.ts';
import { type SelectPages, metaOf, pageSelector } from './increment-plan.ts';
import { isPacked } from './packed-tablespace.ts';
import { PageScan, type PageSelection } from './page-scan.ts';

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
  const copier: Copier = { data, port, outputs: outputsOf(output, data), ...incrementOf(data) };
  for (;;) await copy(await jobs.next(), copier);
});

/** What a thread works with. */
interface Copier {
  data: CopyThreadData;
  port: ThreadPort<FromCopyThread, ToCopyThread>;
  outputs: Outputs;
  selectPages: SelectPages;
  /** Memory to look for changed pages in. */
  window: Uint8Array;
}

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

function incrementOf({
  increment,
  chunkBytes,
}: CopyThreadData): Pick<Copier, 'selectPages' | 'window'> {
  const window = new Uint8Array(increment ? chunkBytes : 0);
  return { selectPages: pageSelector(increment), window };
}

async function copy(job: CopyJob, copier: Copier): Promise<void> {
  const { port, outputs } = copier;
  const fd = openIfThere(job.source);
  if (fd === undefined) {
    port.post({ kind: 'vanished' });
    return;
  }
  try {
    const { spaceId, pageSize, file, packed = false, changed } = await plan(fd, job, copier);
    const output = packed ? outputs.packed : outputs.other;
    const [suffix, meta] = [(changed ? deltaSuffix : '') + output.suffix, changed?.meta];
    port.post({ kind: 'open', spaceId, pageSize, suffix, meta });
    const { size, delta } = changed
      ? await copyChanged(file, changed.pages, output, copier)
      : { size: await copyBlocks(file, output) };
    await output.end();
    const { dev: device, ino: inode, birthtimeMs: bornMs } = fstatSync(fd);
    const { member, source } = job;
    const plainSize = output.suffix === '' ? undefined : size;
    const copied = { member, source, device, inode, bornMs, size, spaceId };
    port.post({ kind: 'copied', file: copied, plainSize, delta });
  } finally {
    closeSync(fd);
  }
}

/** The changed pages of a file, with word of what was read and taken on the way. */
async function copyChanged(
  file: BlockFile,
  selection: PageSelection,
  output: FileOutput,
  { port, window }: Copier,
): Promise<Pick<CopiedMember, 'delta'> & { size: number }> {
  const scan = new PageScan(file, selection, window, (bytes) => {
    port.post({ kind: 'pages', read: bytes / file.blockSize, taken: 0, bytes });
  });
  const { delta, size, pages } = await copyDelta(file, scan, output);
  port.post({ kind: 'pages', read: 0, taken: pages, bytes: 0 });
  return { delta, size };
}

interface CopyPlan {
  file: BlockFile;
  spaceId?: number | undefined;
  pageSize?: number | undefined;
  /** Not worth a compression. */
  packed?: boolean;
  /** Pages of an increment. */
  changed?: { pages: PageSelection; meta: Uint8Array } | undefined;
}

async function plan(fd: number, job: CopyJob, { data, selectPages }: Copier): Promise<CopyPlan> {
  switch (job.kind) {
    case 'tablespace': {
      const { identity, file } = await planTablespace(fd, job, data);
      if (!identity) return { file };
      const { spaceId, format } = identity;
      const pages = selectPages(job, identity);
      return {
        file,
        spaceId,
        pageSize: format.physicalPageSize,
        packed: isPacked(file, format),
        changed: pages && { pages, meta: metaOf(identity) },
      };
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
