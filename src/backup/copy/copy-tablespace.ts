import { closeSync, fstatSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isUnproven, pageLsnNumber } from '../../../formats/innodb/index.ts';
import { BackupError, toBackupError } from '../../errors.ts';
import type { Flavour } from '../../server/flavour.ts';
import {
  type SpaceIdentity,
  describingPageCheck,
  identifySpace,
} from '../../tablespace/identify-space.ts';
import { readFully } from '../../tablespace/read-fully.ts';
import { type BlockCheck, settleBlocks, settleUnproven } from './block-reader.ts';
import type { CopyJob } from './copy-messages.ts';

const page0Tries = 10;
const page0RetryMs = 100;

/** Reads page 0 until it makes sense: the server may be in the middle of writing it. */
export async function identifyLiveSpace(
  fd: number,
  path: string,
  flavour: Flavour,
): Promise<SpaceIdentity | undefined> {
  for (let tries = 1; ; tries++) {
    try {
      return identifySpace(fd, flavour);
    } catch (error) {
      if (tries >= page0Tries) {
        const { message } = toBackupError(error);
        throw new BackupError('corrupt-page', `${path}: page 0 at byte 0 is corrupt: ${message}`, {
          where: { path, offset: 0 },
          cause: error,
        });
      }
      await sleep(page0RetryMs);
    }
  }
}

/** What `copyBlocks` needs to know of a file. */
export interface BlockFile {
  fd: number;
  path: string;
  blockSize: number;
  /** Bytes to copy; a last block that is not whole is copied without a check. */
  size: number;
  mayShrink: boolean;
  /** Undefined for files that carry no checksums. */
  check: BlockCheck | undefined;
  /** Blocks that pass the check without a proof: they are read twice. */
  isUnproven?: (block: Uint8Array) => boolean;
}

/** Where checked blocks go. */
export interface BlockOutput {
  take(): Promise<Uint8Array<ArrayBuffer>>;
  send(buffer: Uint8Array<ArrayBuffer>, length: number): void | Promise<void>;
  back(buffer: ArrayBuffer): void;
}

/** The same for whole files, one after the other. */
export interface FileOutput extends BlockOutput {
  /** Goes behind the member's path. */
  readonly suffix: string;
  /** The end of a file. */
  end(): Promise<void>;
}

/**
 * Copies whole, checked blocks; returns the bytes copied. Growth after `size` was
 * taken is left to the redo log. A file that may shrink (undo truncation) ends
 * where it ends now: the redo log holds the truncation.
 */
export async function copyBlocks(file: BlockFile, output: BlockOutput): Promise<number> {
  const { fd, path, blockSize, size, mayShrink, check, isUnproven } = file;
  let position = 0;
  while (position < size) {
    const buffer = await output.take();
    const wanted = Math.min(buffer.length - (buffer.length % blockSize), size - position);
    const got = readFully(fd, buffer.subarray(0, wanted), position);
    const whole = got < wanted ? got - (got % blockSize) : got;
    if (got < wanted && !mayShrink) throw shrank(path, size, position + got);
    if (check) {
      const blocks = { bytes: buffer.subarray(0, whole), position, blockSize };
      await settleBlocks({ fd, path }, blocks, check);
      if (isUnproven) await settleUnproven({ fd, path }, blocks, check, isUnproven);
    }
    if (whole > 0) await output.send(buffer, whole);
    else output.back(buffer.buffer);
    position += whole;
    if (got < wanted) break;
  }
  return position;
}

export function shrank(path: string, from: number, to: number): BackupError {
  return new BackupError('failed', `${path} shrank from ${from} to ${to} bytes`, {
    where: { path, offset: to },
  });
}

/** The plan for one tablespace file that is open. */
export async function planTablespace(
  fd: number,
  job: CopyJob,
  server: { flavour: Flavour; pageSize: number; redoStart: number },
): Promise<{ identity: SpaceIdentity | undefined; file: BlockFile }> {
  const { source: path, continues } = job;
  const identity = await (continues
    ? identifyByPath(continues.firstFile, server.flavour)
    : identifyLiveSpace(fd, path, server.flavour));
  const blockSize = identity?.format.physicalPageSize ?? server.pageSize;
  const { size } = fstatSync(fd);
  const firstPage = (continues?.bytesBefore ?? 0) / blockSize;
  return {
    identity,
    file: {
      fd,
      path,
      blockSize,
      size: size - (size % blockSize),
      mayShrink: job.mayShrink ?? false,
      check: identity ? describingPageCheck(identity, firstPage) : youngPageCheck(server.redoStart),
      isUnproven,
    },
  };
}

async function identifyByPath(path: string, flavour: Flavour): Promise<SpaceIdentity | undefined> {
  const fd = openSync(path, 'r');
  try {
    return await identifyLiveSpace(fd, path, flavour);
  } finally {
    closeSync(fd);
  }
}

/**
 * For a file whose page 0 is still all zero: it was created after the checkpoint,
 * and redo makes every page of it anew. A page older than that gives away a
 * page 0 that was lost, not one that is yet to come.
 */
function youngPageCheck(redoStart: number): BlockCheck {
  return (page) => {
    const lsn = pageLsnNumber(page);
    if (lsn >= redoStart || page.every((byte) => byte === 0)) return undefined;
    return `page 0 of the file is all zero, but this page has the older LSN ${lsn}`;
  };
}
