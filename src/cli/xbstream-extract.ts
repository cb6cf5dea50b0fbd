import { lstat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArchiveSummary } from '../archive/archive-checker.ts';
import type { Reporter } from '../reporter.ts';
import { extract } from '../restore/extract.ts';
import type { ReadOptions } from '../restore/read-archive.ts';
import { fillStage } from '../sink/fill-stage.ts';
import type { StagedDirectory } from '../sink/staged-directory.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { openFifoSource } from '../source/fifo-source.ts';
import { tellSeal } from './decoding-options.ts';
import { givenKey } from './encryption-key.ts';
import type { XbstreamOptions } from './xbstream-options.ts';

/** What the extraction talks to. */
export interface ExtractionStreams {
  openInput: () => ByteSource;
  reporter: Reporter;
  /** Hears the name of every file that is complete. */
  onMember: ((path: string) => void) | undefined;
}

/** All threads of one process that decode; each pipe has its share. */
const decodeThreadsMax = 4;

/** What `xbstream -x` does: the files of one archive, or of one in each named pipe. */
export async function extractArchive(
  options: XbstreamOptions,
  directory: string,
  streams: ExtractionStreams,
): Promise<void> {
  const { reporter } = streams;
  const reading = readingOf(options, streams);
  const pipes = pipesOf(options);
  try {
    const summaries = await fillStage(directory, { empty: false }, reporter, async (stage) =>
      pipes.length > 0
        ? await extractPipes(pipes, options.values['fifo-timeout'], stage, reading)
        : [await extract(streams.openInput(), stage, reading)],
    );
    for (const summary of summaries) tellSeal(summary, undefined, reporter);
  } finally {
    await Promise.all(pipes.map(removePipe));
  }
}

function readingOf({ values }: XbstreamOptions, streams: ExtractionStreams): ReadOptions {
  const { reporter, onMember } = streams;
  const { decompress, decrypt } = values;
  const names = { encryptKey: values['encrypt-key'], encryptKeyFile: values['encrypt-key-file'] };
  const given = givenKey(names, decrypt === 'NONE' ? undefined : decrypt);
  for (const warning of given?.warnings ?? []) reporter.warn(warning);
  return {
    anyArchive: true,
    decoding: { decompress, key: decrypt === 'NONE' ? undefined : given?.key },
    key: given?.key,
    ...(onMember ? { onMember } : {}),
    ...(values.lenient
      ? {
          onCut: ({ message }) => {
            reporter.warn(`${message}; taken as it is`);
          },
        }
      : {}),
  };
}

/** Their paths; none when the archive comes in on standard input. */
function pipesOf({ values }: XbstreamOptions): string[] {
  const count = values['fifo-streams'];
  const directory = values['fifo-dir'];
  if (count === 1 || directory === undefined) return [];
  return Array.from({ length: count }, (_, at) => join(directory, `thread_${at}`));
}

/** All at once: whoever fills the pipes fills them at the same time. */
async function extractPipes(
  pipes: readonly string[],
  waitSeconds: number,
  stage: StagedDirectory,
  reading: ReadOptions,
): Promise<ArchiveSummary[]> {
  const failing = new AbortController();
  const { signal } = failing;
  const decodeThreads = Math.max(1, Math.floor(decodeThreadsMax / pipes.length));
  const extractions = pipes.map(async (path) => {
    try {
      const source = openFifoSource(path, { waitMs: waitSeconds * 1000, signal });
      return await extract(source, stage, { ...reading, decodeThreads });
    } catch (error) {
      // The others end with this failure as well; none goes on behind the caller's back.
      failing.abort(error);
      throw error;
    }
  });
  await Promise.allSettled(extractions);
  if (signal.aborted) throw signal.reason as Error;
  return await Promise.all(extractions);
}

/** Never throws; what is no pipe was never ours to remove. */
async function removePipe(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isFIFO() === true) await unlink(path).catch(() => undefined);
}
