import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { crc32c } from '../../../formats/crc.ts';
import { encodeBackupHeader } from '../../../formats/mariadb-redo/index.ts';

const folder = 'formats/mariadb-redo';

/** A vector made by the server or by mariadb-backup, see vectors/README.txt. */
export function vector(name: string): Uint8Array {
  return new Uint8Array(gunzipSync(readFileSync(`${folder}/vectors/${name}.gz`)));
}

/** The byte runs of a hex text: one per comment line, in order. */
export function hexRuns(name: string): Uint8Array[] {
  const text = readFileSync(`${folder}/vectors/${name}.txt`, 'utf8');
  return text
    .split(/^#.*$/m)
    .map((run) => Buffer.from(run.replaceAll(/\s/g, ''), 'hex'))
    .filter((run) => run.length > 0);
}

/** A mini-transaction around these record bytes. */
export function miniTransaction(records: Uint8Array, marker = 1): Uint8Array {
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32c(records));
  return Buffer.concat([records, Buffer.of(marker), crc]);
}

export function fileCheckpoint(lsn: number): Uint8Array {
  const record = Buffer.alloc(11);
  record[0] = 0xfa;
  record.writeBigUInt64BE(BigInt(lsn), 3);
  return miniTransaction(record);
}

/** A plain backup log: header for checkpoint and end LSN, then the parts. */
export function backupLog(checkpointLsn: number, endLsn: number, parts: Uint8Array[]): Uint8Array {
  const header = encodeBackupHeader({
    source: { format: 'plain', firstLsn: 12_288n, creator: 'MariaDB', keyBlock: undefined },
    checkpointLsn: BigInt(checkpointLsn),
    endLsn: BigInt(endLsn),
    creator: 'Backup test',
  });
  return Buffer.concat([header, ...parts]);
}

/** Bytes that are the same in every run. */
export function noise(seed: number, length: number): Uint8Array {
  let state = seed | 1;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 255;
  });
}
