import { checkpointOffsets, encodeCheckpoint } from './checkpoint.ts';
import { encryptionBlockOffset } from './encryption-block.ts';
import { encodeLogHeader, logHeaderBytes, type LogHeader } from './log-header.ts';

/** The four header blocks together. LSN 0 stands for no checkpoint. */
export function joinHeader(
  first: LogHeader,
  checkpointLsn: number,
  encryption: Uint8Array | undefined,
): Uint8Array {
  const bytes = new Uint8Array(logHeaderBytes);
  bytes.set(encodeLogHeader(first), 0);
  for (const at of checkpointOffsets) bytes.set(encodeCheckpoint(checkpointLsn), at);
  if (encryption !== undefined) bytes.set(encryption, encryptionBlockOffset);
  return bytes;
}
