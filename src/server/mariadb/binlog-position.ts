import type { Session } from '../session.ts';

export interface BinlogPosition {
  file: string;
  position: number;
  /** gtid_current_pos: empty when there is none. */
  gtid: string;
}

/** The binlog's end; exact only while commits are held off. Undefined when the binlog is off. */
export async function readBinlogPosition(session: Session): Promise<BinlogPosition | undefined> {
  const [status] = await session.rows('SHOW MASTER STATUS');
  if (!status) return undefined;
  const [row] = await session.rows("SELECT COALESCE(@@GLOBAL.gtid_current_pos, '') AS gtid");
  return {
    file: String(status['File']),
    position: Number(status['Position']),
    gtid: String(row?.['gtid']),
  };
}
