// The redo log files of MySQL as a server would have them, written piece by piece.

import {
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

import {
  checkpointOffsets,
  encodeCheckpoint,
  encodeLogHeader,
  encryptionBlockOffset,
  type LogFlag,
  logHeaderBytes,
  redoFileName,
} from '../../formats/mysql-redo/index.ts';
import type { MysqlRedoStatus } from '../../src/server/mysql/redo-status.ts';
import { block, noise } from '../formats/mysql-redo/support.ts';
import { scratchDir } from '../support/scratch.ts';

export const megabyte = 1024 * 1024;
const fileBytes = 65_536;
/** Bytes of redo, and blocks, in one file. */
export const fileRoom = fileBytes - logHeaderBytes;
export const blocksPerFile = fileRoom / 512;

/** What a server says of its log. */
export function status(flushedLsn: number, currentLsn = flushedLsn): MysqlRedoStatus {
  return { flushedLsn, currentLsn, capacity: 8 * megabyte };
}

/** An encryption block as a server writes it; the same seed, the same key. */
export function keyBlock(seed: number): Uint8Array {
  const bytes = Buffer.alloc(512);
  bytes.write('lCC', 48);
  bytes.set(noise(seed, 104), 51);
  return bytes;
}

export interface FilesOptions {
  readonly startLsn?: number;
  readonly key?: Uint8Array;
}

/** A directory of files of 64 KiB; `append` goes from one to the next. */
export class MysqlRedoFiles {
  readonly directory = scratchDir('redo');
  /** Where each file begins, by its number. */
  readonly starts: number[] = [];
  /** Where the next block belongs. */
  lsn: number;
  key: Uint8Array | undefined;
  #made = '';

  constructor({ startLsn = 8192, key }: FilesOptions = {}) {
    this.lsn = startLsn;
    this.key = key;
    this.addFile();
  }

  path(number: number): string {
    return join(this.directory, redoFileName(number));
  }

  /** The next file, behind the last one, which becomes full. */
  addFile(): void {
    const last = this.starts.length - 1;
    if (last >= 0) this.writeHeader(last, ['full']);
    const startLsn = (this.starts[last] ?? this.lsn - fileRoom) + fileRoom;
    this.starts.push(startLsn);
    this.writeHeader(last + 1);
    this.#write(this.path(last + 1), fileBytes, new Uint8Array(0));
    if (this.key) this.#write(this.path(last + 1), encryptionBlockOffset, this.key);
  }

  /** Writes the header's first block, and nothing else. */
  writeHeader(number: number, flags: LogFlag[] = []): void {
    const startLsn = this.starts[number] ?? 0;
    const header = { logUuid: 0x375d_1d0c, startLsn, creator: 'MySQL 9.7.4', flags };
    this.#write(this.path(number), 0, encodeLogHeader(header));
  }

  checkpoint(lsn: number, at: 0 | 1 = 0): void {
    const number = this.starts.findLastIndex((start) => start <= lsn);
    this.#write(this.path(number), checkpointOffsets[at], encodeCheckpoint(lsn));
  }

  /** Brings bytes to the place of their LSN, which must be in one file. */
  put(lsn: number, bytes: Uint8Array): void {
    const number = this.starts.findLastIndex((start) => start <= lsn);
    this.#write(this.path(number), logHeaderBytes + lsn - (this.starts[number] ?? 0), bytes);
  }

  /** Whole blocks behind the last one, in new files where they are needed; returns their bytes. */
  append(count: number): Buffer {
    const parts: Uint8Array[] = [];
    for (let i = 0; i < count; i++) {
      if (this.lsn >= (this.starts.at(-1) ?? 0) + fileRoom) this.addFile();
      const bytes = block(this.lsn);
      this.put(this.lsn, bytes);
      parts.push(bytes);
      this.lsn += 512;
    }
    return Buffer.concat(parts);
  }

  /** Takes the file away. */
  remove(number: number): void {
    rmSync(this.path(number));
  }

  /** Has the file become a spare, as the server does with one that it needs no more. */
  retire(number: number): void {
    this.#made = `${this.path(this.starts.length)}_tmp`;
    renameSync(this.path(number), this.#made);
  }

  /** Makes the retired file the next one: its header is new, its blocks are the old ones. */
  reuse(): void {
    const next = this.starts.length;
    const made = this.path(next);
    this.writeHeader(next - 1, ['full']);
    this.starts.push((this.starts[next - 1] ?? 0) + fileRoom);
    renameSync(this.#made, made);
    this.writeHeader(next);
  }

  /** Overwrites bytes of a file. */
  spoil(number: number, offset: number, bytes: Uint8Array): void {
    this.#write(this.path(number), offset, bytes);
  }

  read(number: number): Buffer {
    return readFileSync(this.path(number));
  }

  /** Writes bytes at an offset; none make the file that long. */
  #write(path: string, offset: number, bytes: Uint8Array): void {
    const fd = openSync(path, offset === 0 ? 'a' : 'r+');
    closeSync(fd);
    const file = openSync(path, 'r+');
    if (bytes.length === 0) ftruncateSync(file, offset);
    else writeSync(file, bytes, 0, bytes.length, offset);
    closeSync(file);
  }
}
