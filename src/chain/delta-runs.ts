import type { DeltaDecoder } from '../../formats/delta/index.ts';
import type { Run } from '../sink/page-holes.ts';

/**
 * The pages of a delta that are there so far, but for those that are not `wanted`. What follows one
 * another in the file and in memory comes as one.
 */
export function* deltaRuns(
  delta: DeltaDecoder,
  wanted: (page: number) => boolean = () => true,
): Generator<Run> {
  let run: Run | undefined;
  for (let page = delta.next(); page; page = delta.next()) {
    const { pageNumber, bytes } = page;
    if (!wanted(pageNumber)) continue;
    const next = { position: pageNumber * bytes.length, bytes };
    if (run && isBehind(run, next)) {
      const { buffer, byteOffset, length } = run.bytes;
      run.bytes = new Uint8Array(buffer, byteOffset, length + bytes.length);
      continue;
    }
    if (run) yield run;
    run = next;
  }
  if (run) yield run;
}

function isBehind({ position, bytes }: Run, next: Run): boolean {
  const { buffer, byteOffset, length } = bytes;
  const isNext = next.position === position + length;
  return isNext && next.bytes.buffer === buffer && next.bytes.byteOffset === byteOffset + length;
}
