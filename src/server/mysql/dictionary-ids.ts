import type { Session } from '../session.ts';

/** The greatest ids that the dictionary has given: later tables and indexes get greater ones. */
export interface NewestIds {
  newestTableId: number;
  newestIndexId: number;
}

export async function readNewestIds(session: Session): Promise<NewestIds> {
  const [tables] = await session.rows(
    'SELECT MAX(TABLE_ID) AS id FROM information_schema.INNODB_TABLES',
  );
  const [indexes] = await session.rows(
    'SELECT MAX(INDEX_ID) AS id FROM information_schema.INNODB_INDEXES',
  );
  return {
    newestTableId: Number(tables?.['id'] ?? 0),
    newestIndexId: Number(indexes?.['id'] ?? 0),
  };
}

/**
 * Ids of the tablespaces that have a table or an index with a greater id: one that was made, rebuilt
 * or imported since, or an index that was added in place.
 */
export async function readSpacesOfNewer(session: Session, newest: NewestIds): Promise<Set<number>> {
  const rows = await session.rows(
    'SELECT SPACE AS id FROM information_schema.INNODB_TABLES ' +
      `WHERE TABLE_ID > ${newest.newestTableId} ` +
      'UNION SELECT SPACE FROM information_schema.INNODB_INDEXES ' +
      `WHERE INDEX_ID > ${newest.newestIndexId}`,
  );
  return new Set(rows.map(({ id }) => Number(id)));
}
