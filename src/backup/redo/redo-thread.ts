import type { FileRecord } from '../../../formats/mariadb-redo/index.ts';
import { Session } from '../../server/session.ts';
import { type ThreadPort, runThread } from '../../worker/thread.ts';
import { followMariadbRedo } from '../mariadb/follow-redo.ts';
import { followMysqlRedo } from '../mysql/follow-redo.ts';
import { ChunkQueue } from './chunk-queue.ts';
import { followRedo } from './follow-redo.ts';
import type { RedoFollower } from './redo-follower.ts';
import type { FromRedoThread, RedoThreadData, ToRedoThread } from './redo-messages.ts';
import { RedoOrders } from './redo-orders.ts';

type Port = ThreadPort<FromRedoThread, ToRedoThread>;

/**
 * The redo tailer: a thread with its own connection, so that neither copying nor
 * a slow sink can delay it.
 */
runThread<RedoThreadData, FromRedoThread, ToRedoThread>(async (data, port) => {
  const queue = new ChunkQueue(port, data.spoolDirectory);
  try {
    const orders = new RedoOrders(port, () => {
      queue.credit();
    });
    const follower = await openFollower(data, queue, port);
    try {
      queue.add(follower.head);
      port.post({ kind: 'started', startLsn: follower.startLsn, notice: follower.notice });
      const end = await followRedo(follower, { port, orders, queue });
      port.post({ kind: 'reached', ...end });
    } finally {
      // Before the sink is waited for: until then the server may be holding redo for us.
      await follower.close();
    }
    await queue.drained();
    port.post({ kind: 'drained' });
  } finally {
    queue.close();
  }
});

async function openFollower(
  { access, log, spoolDirectory }: RedoThreadData,
  queue: ChunkQueue,
  port: Port,
): Promise<RedoFollower> {
  const session = await Session.open(access);
  if (log.flavour === 'mysql') {
    return await followMysqlRedo(session, { ...log, spoolDirectory }, queue.add);
  }
  return followMariadbRedo(session, log, queue.add, (record) => {
    reportDdl(port, record);
  });
}

function reportDdl(port: Port, record: FileRecord): void {
  const { type, endLsn: lsn } = record;
  if (type === 'create' || type === 'rename' || type === 'delete') {
    port.post({ kind: 'ddl', type, path: record.path, lsn });
  }
}
