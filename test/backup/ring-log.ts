// A redo log file as a server would have it, written piece by piece.

import { closeSync, openSync, renameSync, writeSync } from 'node:fs';

import {
  checkpointOffsets,
  encodeCheckpoint,
  encodeLogHeader,
  logPayloadOffset,
  lsnToOffset,
  sequenceBit,
  type LogFormat,
  type LogRing,
} from '../../formats/mariadb-redo/index.ts';
import type { RedoStatus } from '../../src/server/redo-status.ts';
import { miniTransaction, noise } from '../formats/mariadb-redo/support.ts';

/** What a server says of itself. */
export function status(flushedLsn: number, currentLsn = flushedLsn): RedoStatus {
  return { flushedLsn, currentLsn };
}

export interface RingOptions {
  readonly path: string;
  readonly fileBytes: number;
  readonly firstLsn?: number;
  readonly format?: LogFormat;
  readonly keyBlock?: Uint8Array;
}

// Marker, CRC, and the two bytes that say how long a long record is.
const overhead = 5;
const longRecordMin = 144;

/** The ring: `make` gives the bytes of the next mini-transaction, `put` brings bytes to the file. */
export class RingLog {
  readonly path: string;
  readonly ring: LogRing;
  /** Where the next mini-transaction begins. */
  lsn: number;
  readonly #fd: number;

  constructor({ path, fileBytes, firstLsn = 12_288, format = 'plain', keyBlock }: RingOptions) {
    this.path = path;
    this.ring = { firstLsn, capacity: fileBytes - logPayloadOffset };
    this.lsn = firstLsn;
    this.#fd = openSync(path, 'w+');
    const header = { format, firstLsn: BigInt(firstLsn), creator: 'MariaDB 10.11.19', keyBlock };
    writeSync(this.#fd, encodeLogHeader(header), 0, null, 0);
    writeSync(this.#fd, Buffer.alloc(1), 0, 1, fileBytes - 1);
  }

  /** Writes checkpoint block 0 or 1. */
  checkpoint(checkpointLsn = this.lsn, block: 0 | 1 = 0): void {
    const lsn = BigInt(checkpointLsn);
    const bytes = encodeCheckpoint({ checkpointLsn: lsn, endLsn: lsn });
    writeSync(this.#fd, bytes, 0, bytes.length, checkpointOffsets[block]);
  }

  /** A mini-transaction of exactly `bytes` bytes at the end of the log; not in the file yet. */
  make(bytes: number): { lsn: number; bytes: Uint8Array } {
    const { lsn } = this;
    const marker = sequenceBit(lsn + bytes - overhead, this.ring);
    const made = miniTransaction(longRecord(bytes - overhead, lsn), marker);
    this.lsn += made.length;
    return { lsn, bytes: made };
  }

  /** Brings bytes to their place in the file, around its end. */
  put({ lsn, bytes }: { lsn: number; bytes: Uint8Array }): void {
    for (let done = 0; done < bytes.length;) {
      const offset = lsnToOffset(lsn + done, this.ring);
      const untilEnd = logPayloadOffset + this.ring.capacity - offset;
      done += writeSync(this.#fd, bytes, done, Math.min(bytes.length - done, untilEnd), offset);
    }
  }

  /** Makes mini-transactions of these sizes and puts them; returns the LSNs they end at. */
  append(...sizes: number[]): number[] {
    return sizes.map((size) => {
      this.put(this.make(size));
      return this.lsn;
    });
  }

  /** Takes the place of another log, as the server does when it has resized. */
  replace(path: string): void {
    renameSync(this.path, path);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** One record of `length` bytes that no page knows: only its frame counts here. */
function longRecord(length: number, seed: number): Uint8Array {
  if (length < longRecordMin) throw new RangeError(`no long record has ${length} bytes`);
  const value = length - longRecordMin;
  const record = noise(seed, length);
  record.set([0x30, 0x80 | (value >> 8), value & 255]);
  return record;
}
