import type { MemberOutput } from '../restore/member-output.ts';
import { readMembers } from '../restore/read-members.ts';
import { SilentOutput } from '../restore/silent-output.ts';
import { MemberFiles } from '../sink/member-files.ts';
import type { StagedDirectory } from '../sink/staged-directory.ts';
import { ChainFiles } from './chain-files.ts';
import { type ChainLayout, filesOf } from './chain-layout.ts';
import { writeFullRecords } from './full-records.ts';
import { LayerOutput } from './layer-output.ts';

export interface LayOptions {
  /** Of encrypted backups. */
  key?: Uint8Array | undefined;
  onProgress?: (bytes: number, totalBytes: number) => void;
  signal?: AbortSignal;
}

/**
 * Brings a chain into a staged directory as one full backup, as new as its newest link: each link
 * is read in turn, by the ranges that matter, and its pages are written where they belong.
 */
export async function layChain(
  { plan, readings }: ChainLayout,
  directory: StagedDirectory,
  { key, onProgress, signal }: LayOptions,
): Promise<void> {
  const files = new ChainFiles((path) => directory.place(path));
  const newest = readings.at(-1);
  const totalBytes = readings.reduce((sum, { bytes }) => sum + bytes, 0);
  let bytesBefore = 0;
  for (const reading of readings) {
    const { link, layers, wanted } = reading;
    // Only the newest link has members of its own.
    const others: MemberOutput =
      reading === newest ? new MemberFiles(directory) : new SilentOutput();
    await readMembers(link.archive, link.index, wanted, new LayerOutput(layers, files, others), {
      partly: true,
      decoding: { decompress: true, key },
      needKey: true,
      onProgress: (bytes) => {
        onProgress?.(Math.min(bytesBefore + bytes, totalBytes), totalBytes);
      },
      ...(signal && { signal }),
    });
    bytesBefore += reading.bytes;
  }
  await files.finish(plan.files, signal);
  if (newest) {
    writeFullRecords(directory.stage, { begin: newest.link.begin, files: filesOf(plan) });
  }
}
