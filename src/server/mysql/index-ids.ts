import type { Session } from '../session.ts';

/** The greatest id of an index; every index that is built later gets a greater one. */
export async function readNewestIndexId(session: Session): Promise<number> {
  const [row] = await session.rows(
    'SELECT MAX(INDEX_ID) AS id FROM information_schema.INNODB_INDEXES',
  );
  return Number(row?.['id'] ?? 0);
}

/** Ids of the tablespaces that an index was built in since. */
export async function readSpacesOfNewerIndexes(
  session: Session,
  newestIndexId: number,
): Promise<Set<number>> {
  const rows = await session.rows(
    'SELECT DISTINCT SPACE AS id FROM information_schema.INNODB_INDEXES ' +
      `WHERE INDEX_ID > ${newestIndexId}`,
  );
  return new Set(rows.map(({ id }) => Number(id)));
}
