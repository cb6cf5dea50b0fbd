import { PageTrackDecoder } from '../../../formats/page-track/index.ts';
import { type Target, pieces, sameBytes } from '../target.ts';

const entry = (spaceId: number, pageNumber: number): Uint8Array => {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(spaceId);
  bytes.writeUInt32BE(pageNumber, 4);
  return bytes;
};

/** Nothing vouches for a list: what is accepted must be what was there. */
export const pageTrack: Target = {
  name: 'page-track',
  open: () => ({
    samples: [
      new Uint8Array(0),
      entry(0, 0),
      Buffer.concat([entry(7, 4), entry(2, 0xffff_fffe), entry(7, 4)]),
    ],
    read: (bytes, random) => {
      const decoder = new PageTrackDecoder();
      const found: number[] = [];
      for (const piece of pieces(bytes, random)) {
        decoder.push(piece);
        for (let ids = decoder.next(); ids; ids = decoder.next()) found.push(...ids);
      }
      decoder.end();
      return found;
    },
    objection: (found, { bytes }) => {
      const ids = found as number[];
      const again = Buffer.alloc(ids.length * 4);
      for (const [index, id] of ids.entries()) again.writeUInt32BE(id, index * 4);
      return sameBytes(again, bytes) ? undefined : `${ids.length / 2} ids of ${bytes.length} bytes`;
    },
  }),
};
