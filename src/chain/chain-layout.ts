import { type MemberEntry, numbersPerChunk } from '../../formats/archive-record/index.ts';
import { plainPath } from '../transform/member-decoder.ts';
import { checkChain } from './check-chain.ts';
import type { ListedFile } from './full-records.ts';
import { layerChunks, supersededPages } from './layer-chunks.ts';
import type { ReadLayer } from './layer-output.ts';
import type { StoredLink } from './link.ts';
import { type ChainPlan, planChain } from './plan-chain.ts';

/** What the links of a chain come to, and what is read of each, the oldest first. */
export interface ChainLayout {
  plan: ChainPlan;
  readings: LinkReading[];
}

/** What is read of a link. */
export interface LinkReading {
  link: StoredLink;
  layers: ReadLayer[];
  /** All members that are read, the layers cut to the chunks that matter. */
  wanted: MemberEntry[];
  /** Payload bytes. */
  bytes: number;
}

/** Refuses what is no chain; pages that a newer link replaces are not read. */
export function chainLayout(links: readonly StoredLink[]): ChainLayout {
  checkChain(links);
  const plan = planChain(links);
  const readings = links.map((link, i) => {
    const layers = (plan.layers[i] ?? [])
      .map((layer) => ({ layer, chunks: layerChunks(layer, supersededPages(layer)) }))
      .filter(({ chunks }) => chunks.entry.chunks.length > 0);
    const plain = i === links.length - 1 ? plan.plain : [];
    const wanted = [...layers.map(({ chunks }) => chunks.entry), ...plain];
    const bytes = wanted.reduce((sum, one) => sum + payloadOf(one), 0);
    return { link, layers, wanted, bytes };
  });
  return { plan, readings };
}

function payloadOf({ chunks }: MemberEntry): number {
  let bytes = 0;
  for (let at = 1; at < chunks.length; at += numbersPerChunk) bytes += chunks[at] as number;
  return bytes;
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
