import type { PageRun } from '../../../formats/archive-record/index.ts';
import { encodeDeltaMeta } from '../../../formats/metadata/index.ts';
import { pageRuns } from '../../../formats/page-track/index.ts';
import type { SpaceIdentity } from '../../tablespace/identify-space.ts';
import type { CopyJob, IncrementSelection } from './copy-messages.ts';
import type { PageSelection } from './page-scan.ts';

/** The `.meta` file of a tablespace, in the words of the tool that its server's people use. */
export function metaOf({ spaceId, flags, format }: SpaceIdentity): Uint8Array {
  const { physicalPageSize: pageSize, zip, flavour } = format;
  return encodeDeltaMeta({
    pageSize,
    zipSize: zip ? pageSize : 0,
    spaceId,
    ...(flavour === 'mysql' && { spaceFlags: flags }),
    others: [],
  });
}

/** Says which pages of a tablespace are taken; undefined: it is copied as it is. */
export type SelectPages = (
  job: CopyJob,
  identity: SpaceIdentity | undefined,
) => PageSelection | undefined;

/** By the LSNs, and of a tablespace that the parent does not have every page. */
export function pageSelector(increment: IncrementSelection | undefined): SelectPages {
  if (!increment) return () => undefined;
  const { sinceLsn, knownSpaces } = increment;
  const known = knownSpaces && new Set(knownSpaces);
  return (job, identity) => {
    if (job.whole || !identity) return undefined;
    const isNew = known !== undefined && !known.has(identity.spaceId);
    return isNew ? { sinceLsn: 0 } : { sinceLsn, runs: runsOf(job, identity) };
  };
}

/** Where there may be changed pages, counted from the beginning of the file; undefined: everywhere. */
function runsOf(
  { changed, continues }: CopyJob,
  { spaceId, format }: SpaceIdentity,
): Iterable<PageRun> | undefined {
  // The file is another one by now than the server's dictionary said.
  if (changed?.spaceId !== spaceId) return undefined;
  const firstPage = (continues?.bytesBefore ?? 0) / format.physicalPageSize;
  return withPage0(pageRuns(changed.pages, firstPage));
}

/** The page that says what the file is; it costs nothing to look at it. */
function* withPage0(runs: Iterable<PageRun>): Generator<PageRun> {
  let isFirst = true;
  for (const run of runs) {
    if (isFirst && run.first > 0) yield { first: 0, count: 1 };
    isFirst = false;
    yield run;
  }
  if (isFirst) yield { first: 0, count: 1 };
}
