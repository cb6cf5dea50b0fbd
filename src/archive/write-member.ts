import { crc32 } from '../../formats/crc.ts';
import type { Members } from './member-store.ts';

/** A small member in one go; an empty one is only its end. */
export async function writeMember(store: Members, path: string, bytes: Uint8Array): Promise<void> {
  const member = store.open({ path });
  if (bytes.length > 0) await member.write(bytes, crc32(bytes));
  await member.close();
}
