import { encodeBackupHeader, type FileRecord } from '../../../formats/mariadb-redo/index.ts';
import { crc32 } from '../../../formats/crc.ts';
import { readRedoStatus } from '../../server/mariadb/redo-status.ts';
import { Session } from '../../server/session.ts';
import { type ThreadPort, runThread } from '../../worker/thread.ts';
import { RedoCopier } from './redo-copier.ts';
import type { FromRedoThread, RedoThreadData, ToRedoThread } from './redo-messages.ts';
import { SpillQueue } from '../spill-queue.ts';

/**
 * The redo tailer: a thread with its own connection, so that neither copying nor
 * a slow sink can delay it.
 */
const pollMs = 100;
/** With less of the log's capacity left than this, it polls without a pause. */
const hurryBelow = 0.75;
const progressMs = 500;
const chunkBytes = 1024 * 1024;
const queueBytesMax = 16 * 1024 * 1024;

type Port = ThreadPort<FromRedoThread, ToRedoThread>;

runThread<RedoThreadData, FromRedoThread, ToRedoThread>(async (data, port) => {
  const session = await Session.open(data.access);
  const queue = new ChunkQueue(port, data.spoolDirectory);
  const order = new FinishOrder(port, () => {
    queue.credit();
  });
  const copier = new RedoCopier(data.logPath, queue.add, (record) => {
    reportDdl(port, record);
  });
  try {
    start(copier, queue, port, data.creator);
    const lastCheckpoint = await follow(copier, session, order, port, queue);
    port.post({ kind: 'reached', checkpointLsn: lastCheckpoint, lastLsn: copier.position });
    await queue.drained();
    port.post({ kind: 'drained' });
  } finally {
    copier.close();
    queue.close();
    await session.close();
  }
});

function start(copier: RedoCopier, queue: ChunkQueue, port: Port, creator: string): void {
  queue.add(encodeBackupHeader({ source: copier.log.header, ...copier.checkpoint, creator }));
  port.post({ kind: 'started', checkpointLsn: copier.position });
}

/** Copies until told to finish and the target is reached; returns the newest checkpoint of then. */
async function follow(
  copier: RedoCopier,
  session: Session,
  order: FinishOrder,
  port: Port,
  queue: ChunkQueue,
): Promise<number> {
  let target: { lsn: number; checkpointLsn: number } | undefined;
  let reported = -Infinity;
  for (;;) {
    const status = await readRedoStatus(session);
    if (order.lsn !== undefined && target === undefined) {
      const checkpointLsn = Number(copier.log.checkpoint().checkpointLsn);
      target = { lsn: Math.max(order.lsn, checkpointLsn), checkpointLsn };
    }
    copier.copy(status, target?.lsn);
    // The target may lie inside a mini-transaction, which then belongs to the backup as a whole.
    if (target && copier.position < target.lsn && status.flushedLsn > target.lsn)
      copier.copy(status);
    if (target && copier.position >= target.lsn) {
      copier.confirm(await readRedoStatus(session));
      return target.checkpointLsn;
    }
    const headRoom = copier.headRoom(status);
    const { capacity } = copier.log.ring;
    if (performance.now() - reported >= progressMs) {
      reported = performance.now();
      const { position } = copier;
      const { spilledBytes } = queue;
      port.post({ kind: 'progress', position, capacity, headRoom, spilledBytes });
    }
    const hurry = target !== undefined || headRoom < capacity * hurryBelow;
    await order.wait(hurry ? 1 : pollMs);
  }
}

function reportDdl(port: Port, record: FileRecord): void {
  const { type, endLsn: lsn } = record;
  if (type === 'create' || type === 'rename' || type === 'delete') {
    port.post({ kind: 'ddl', type, path: record.path, lsn });
  }
}

/** The order to finish, and the pause between two turns, which the order cuts short. */
class FinishOrder {
  lsn: number | undefined;
  #wake: () => void = () => undefined;

  constructor(port: Port, onCredit: () => void) {
    port.onMessage((message) => {
      if (message.kind === 'credit') onCredit();
      else {
        this.lsn = message.lsn;
        this.#wake();
      }
    });
  }

  async wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Collects redo into chunks and hands them over as the sink grants credit. */
class ChunkQueue {
  readonly #port: Port;
  readonly #spill: SpillQueue;
  #chunk = new Uint8Array(chunkBytes);
  #filled = 0;
  #credits = 0;
  #onDrained: (() => void) | undefined;

  constructor(port: Port, spoolDirectory: string) {
    this.#port = port;
    this.#spill = new SpillQueue(spoolDirectory, queueBytesMax);
  }

  get spilledBytes(): number {
    return this.#spill.spilledBytes;
  }

  readonly add = (bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + chunkBytes - this.#filled);
      this.#chunk.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === chunkBytes) this.#cut();
    }
  };

  credit(): void {
    this.#credits += 1;
    this.#send();
  }

  async drained(): Promise<void> {
    if (this.#filled > 0) this.#cut();
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
      this.#send();
    });
  }

  close(): void {
    this.#spill.close();
  }

  #cut(): void {
    this.#spill.push(this.#chunk.slice(0, this.#filled));
    this.#filled = 0;
    this.#send();
  }

  #send(): void {
    while (this.#credits > 0) {
      const bytes = this.#spill.shift();
      if (!bytes) {
        this.#onDrained?.();
        return;
      }
      this.#credits -= 1;
      this.#port.post({ kind: 'chunk', bytes, crc: crc32(bytes) }, [bytes.buffer]);
    }
  }
}
