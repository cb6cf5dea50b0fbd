import type { MemberEntry } from '../../formats/archive-record/index.ts';
import { type PayloadHead, encodePayloadHeader } from '../../formats/xbstream/index.ts';
import { BackupError } from '../errors.ts';

/** Notes of a chunk by another tool what an index needs to find it again; `spelled`: its very path. */
export function noteHeader(member: MemberEntry, head: PayloadHead, spelled: string): void {
  member.chunkPath ??= spelled;
  (member.headers ??= []).push(head.headerLength);
  if (member.chunkPath === spelled) return;
  const message = `${member.path} is written as ${member.chunkPath} and as ${spelled}`;
  throw new BackupError('corrupt', message, { where: { path: member.path } });
}

/** A member as an index lists it by its name in the end, without what goes without saying. */
export function listedEntry(path: string, member: MemberEntry): MemberEntry {
  const { chunkPath = path, headers = [] } = member;
  const plain = encodePayloadHeader(chunkPath, 0, 0, 0).length;
  return {
    ...member,
    path,
    chunkPath: chunkPath === path ? undefined : chunkPath,
    headers: headers.some((length) => length !== plain) ? headers : undefined,
  };
}
