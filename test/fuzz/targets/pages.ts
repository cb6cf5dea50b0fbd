import {
  type AriaFile,
  createAriaPageCheck,
  isOnlineCopyable,
  readIndexHeader,
  readLogControl,
} from '../../../formats/aria/index.ts';
import {
  type PageFault,
  createPageCheck,
  describePageFault,
  isPageCompressed,
  isPageEncrypted,
  isUnproven,
  pageLsnNumber,
  parseMysqlSpaceFlags,
  parseSpaceFlags,
  readSpaceHeader,
  spaceFlagsOffset,
} from '../../../formats/innodb/index.ts';
import { PageHoles } from '../../../src/sink/page-holes.ts';
import { controlBytes, headerBytes, pages as ariaPages } from '../../formats/aria/vectors.ts';
import { type Vector, vectors } from '../../formats/innodb/vectors.ts';
import type { Random } from '../../support/random.ts';
import { swapNumber } from '../mend-by-complaint.ts';
import type { Target } from '../target.ts';

const small = vectors.filter(({ page }) => page().length <= 16_384);

/** A page that was changed is checked by the rules of its own tablespace, or of any other of its size. */
function checkOf(bytes: Uint8Array, random: Random): PageFault | undefined {
  const { format, spaceId, pageNumber } = formatOf(bytes, random);
  const check = createPageCheck(format, { spaceId });
  const fault = check(bytes, pageNumber);
  if (fault !== undefined) describePageFault(fault);
  if (bytes.length >= 38) {
    isUnproven(bytes);
    isPageCompressed(bytes, format);
    isPageEncrypted(bytes, format);
    pageLsnNumber(bytes);
  }
  return fault;
}

function formatOf(bytes: Uint8Array, random: Random): Vector {
  const fitting = small.filter(({ format }) => format.physicalPageSize === bytes.length);
  return random.pick(fitting.length > 0 ? fitting : small);
}

/** Pages of tablespaces: a fault is an answer, only a page of another size is refused. */
export const innodbPages: Target = {
  name: 'innodb-pages',
  open: () => ({
    samples: small.map(({ page }) => Uint8Array.from(page())),
    read: checkOf,
    mend: (bytes) => {
      const mended = Uint8Array.from(bytes);
      for (const { format, spaceId, pageNumber } of small) {
        if (format.physicalPageSize !== bytes.length) continue;
        const fault = createPageCheck(format, { spaceId })(mended, pageNumber);
        if (fault?.rule.includes('checksum') !== true) continue;
        const { stored, computed } = fault;
        if (swapNumber(mended, 0, { stored, wanted: computed, size: 4 })) return mended;
      }
      return mended;
    },
  }),
};

const headers = small.filter(({ pageNumber }) => pageNumber === 0);

/** The first page of a tablespace, from which its shape is read. */
export const innodbSpaces: Target = {
  name: 'innodb-spaces',
  open: () => ({
    samples: headers.map(({ page }) => Uint8Array.from(page())),
    read: (bytes, random) => {
      const flags = Buffer.from(bytes).subarray(spaceFlagsOffset, spaceFlagsOffset + 4);
      const parse = random.pick([parseMysqlSpaceFlags, parseSpaceFlags]);
      const holes = PageHoles.of('db/t.ibd', bytes);
      for (const run of holes?.runs(0, bytes) ?? []) {
        if (run.position + run.bytes.length > bytes.length) throw new Error('a run beyond the end');
      }
      const header = readSpaceHeader(bytes);
      return { header, format: parse(flags.length < 4 ? 0 : flags.readUInt32BE()) };
    },
    objection: (found) => {
      const { format } = found as { format: { physicalPageSize: number; pageSize: number } };
      const { physicalPageSize: size, pageSize } = format;
      const fits = Number.isInteger(Math.log2(size)) && size >= 1024 && size <= pageSize;
      return fits && pageSize <= 65_536 ? undefined : `a page of ${size} in ${pageSize} bytes`;
    },
  }),
};

/** Headers, pages and the control file of Aria. */
export const aria: Target = {
  name: 'aria',
  open: () => ({
    samples: [
      ...['compressed', 'dynamic', 'encrypted', 'plain', 'transactional'].map(headerBytes),
      ...['one-log', 'two-logs'].map(controlBytes),
      ...ariaPages.slice(0, 8).map(({ page }) => Uint8Array.from(page())),
    ],
    read: (bytes, random) => {
      const { header, file, pageNumber } = random.pick(ariaPages);
      const other: AriaFile = file === 'index' ? 'data' : 'index';
      const reads = [
        () => isOnlineCopyable(readIndexHeader(bytes)),
        () => readLogControl(bytes),
        () => createAriaPageCheck(header, random.pick([file, other]))(bytes, pageNumber),
      ];
      return random.pick(reads)();
    },
  }),
};
