import { encodeDeltaMeta } from '../../../formats/metadata/index.ts';
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
  return ({ whole = false }, identity) => {
    if (whole || !identity) return undefined;
    const isNew = known !== undefined && !known.has(identity.spaceId);
    return { sinceLsn: isNew ? 0 : sinceLsn };
  };
}
