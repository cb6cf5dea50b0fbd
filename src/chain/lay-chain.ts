import { type MemberEntry, numbersPerChunk } from '../../formats/archive-record/index.ts';
import type { ArchiveIndex } from '../archive/archive-index.ts';
import type { MemberOutput } from '../restore/member-output.ts';
import { readMembers } from '../restore/read-members.ts';
import { SilentOutput } from '../restore/silent-output.ts';
import { MemberFiles } from '../sink/member-files.ts';
import type { StagedDirectory } from '../sink/staged-directory.ts';
import type { ArchiveObjects } from '../source/archive-objects.ts';
import { plainPath } from '../transform/member-decoder.ts';
import { ChainFiles } from './chain-files.ts';
import { type ListedFile, writeFullRecords } from './full-records.ts';
import { layerChunks, supersededPages } from './layer-chunks.ts';
import { LayerOutput, type ReadLayer } from './layer-output.ts';
import type { ChainLink } from './link.ts';
import type { ChainPlan } from './plan-chain.ts';

/** A link of a chain that lies in an archive. */
export interface StoredLink extends ChainLink {
  archive: ArchiveObjects;
  index: ArchiveIndex;
}

export interface LayOptions {
  /** Of encrypted backups. */
  key?: Uint8Array | undefined;
  onProgress?: (bytes: number, totalBytes: number) => void;
  signal?: AbortSignal;
}

/** What is read of a link. */
export interface LinkReading {
  link: StoredLink;
  layers: ReadLayer[];
  /** Members of the newest link that are taken as they are. */
  plain: MemberEntry[];
  /** All members that are read, the layers cut to the chunks that matter. */
  wanted: MemberEntry[];
  /** Payload bytes. */
  bytes: number;
}

/** What is to be read of each link, the oldest first: pages that a newer one replaces are left out. */
export function planReading(plan: ChainPlan, links: readonly StoredLink[]): LinkReading[] {
  return links.map((link, i) => {
    const layers = (plan.layers[i] ?? [])
      .map((layer) => ({ layer, chunks: layerChunks(layer, supersededPages(layer)) }))
      .filter(({ chunks }) => chunks.entry.chunks.length > 0);
    const plain = i === links.length - 1 ? plan.plain : [];
    const wanted = [...layers.map(({ chunks }) => chunks.entry), ...plain];
    const bytes = wanted.reduce((sum, one) => sum + payloadOf(one), 0);
    return { link, layers, plain, wanted, bytes };
  });
}

function payloadOf({ chunks }: MemberEntry): number {
  let bytes = 0;
  for (let at = 1; at < chunks.length; at += numbersPerChunk) bytes += chunks[at] as number;
  return bytes;
}

/**
 * Brings a chain into a staged directory as one full backup, as new as its newest link: each link
 * is read in turn, by the ranges that matter, and its pages are written where they belong.
 */
export async function layChain(
  plan: ChainPlan,
  readings: readonly LinkReading[],
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

/** All files that a chain makes. */
export function filesOf({ files, plain }: ChainPlan): ListedFile[] {
  return [
    ...files,
    ...plain.map(({ path, spaceId, pageSize, size, plainSize = size }) => ({
      path: plainPath(path),
      spaceId,
      pageSize,
      size: plainSize,
    })),
  ];
}
