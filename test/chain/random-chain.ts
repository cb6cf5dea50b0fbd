import type { Encoding } from '../../src/transform/encoding.ts';
import { seededRandom } from '../support/random.ts';
import { type MadeFile, type MadeLink, page, page0, pageSize } from './support.ts';

/** A chain of tables that grow, shrink, change, are renamed, dropped and made, and how it ends. */
export function randomChain(
  seed: number,
  encoding: Encoding,
): { links: MadeLink[]; wanted: Record<string, Buffer> } {
  const random = seededRandom(seed);
  let spaces = new Map<number, { path: string; pages: Uint8Array[] }>();
  const links: MadeLink[] = [];
  for (let ordinal = 0; ordinal < 4; ordinal += 1) {
    const before = spaces;
    spaces = new Map();
    const paths = Array.from({ length: 8 }, (_, i) => `db/t${i}.ibd`);
    const files: MadeFile[] = [];
    for (const spaceId of [...before.keys(), 2 * ordinal + 1, 2 * ordinal + 2]) {
      const known = before.get(spaceId);
      if (known && random.below(6) === 0) continue;
      const [path = ''] = paths.splice(random.below(paths.length), 1);
      const pages = [...(known?.pages ?? [])];
      pages.length = Math.min(pages.length, random.below(40) + 1);
      const end = pages.length + random.below(700 / (ordinal * 5 + 1)) + (known ? 0 : 1);
      const touched = new Map<number, Uint8Array>();
      for (let n = 0; n < end; n += 1) {
        if (n < pages.length && random.below(4) > 0) continue;
        const content = `${spaceId}.${n} of link ${ordinal}`;
        const text = n === 0 ? page0(spaceId, content) : page(content);
        touched.set(n, text);
        pages[n] = text;
      }
      spaces.set(spaceId, { path, pages });
      const fileSize = pages.length * pageSize;
      if (ordinal === 0) files.push({ path, spaceId, bytes: Buffer.concat(pages) });
      else {
        const isListed = random.below(5) > 0;
        files.push({ path, spaceId, delta: { fileSize, pages: touched, isListed } });
      }
    }
    links.push({ files, encoding, chunkPages: random.pick([1, 3, 16, 255, 256, 1000]) });
  }
  const wanted = [...spaces.values()].map(
    ({ path, pages }) => [path, Buffer.concat(pages)] as const,
  );
  return { links, wanted: Object.fromEntries(wanted.sort(([a], [b]) => (a < b ? -1 : 1))) };
}
