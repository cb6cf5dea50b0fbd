import type { DeltaDecoder } from '../../formats/delta/index.ts';

/** Pages of a file that follow one another, in it and in memory. */
export interface PageRun {
  first: number;
  bytes: Uint8Array;
}

/** The pages of a delta that are there so far, but for those that are not `wanted`. */
export function* deltaRuns(
  delta: DeltaDecoder,
  wanted: (page: number) => boolean = () => true,
): Generator<PageRun> {
  let run: PageRun | undefined;
  for (let page = delta.next(); page; page = delta.next()) {
    const { pageNumber, bytes } = page;
    if (!wanted(pageNumber)) continue;
    if (run && isBehind(run, pageNumber, bytes)) {
      const { buffer, byteOffset, length } = run.bytes;
      run.bytes = new Uint8Array(buffer, byteOffset, length + bytes.length);
      continue;
    }
    if (run) yield run;
    run = { first: pageNumber, bytes };
  }
  if (run) yield run;
}

function isBehind(run: PageRun, page: number, bytes: Uint8Array): boolean {
  const { buffer, byteOffset, length } = run.bytes;
  const isNext = page === run.first + length / bytes.length;
  return isNext && bytes.buffer === buffer && bytes.byteOffset === byteOffset + length;
}
