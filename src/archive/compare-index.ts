import { type MemberEntry, numbersPerChunk } from '../../formats/archive-record/index.ts';
import { BackupError } from '../errors.ts';

/**
 * Holds what arrived against what the index promised. Chunk CRCs cover payloads
 * only; a flipped bit in a path or offset shows here. `digests`: every member must have them.
 */
export function compareIndex(
  promised: readonly MemberEntry[],
  arrived: ReadonlyMap<string, MemberEntry>,
  { digests }: { digests: boolean },
): void {
  for (const entry of promised) {
    const found = arrived.get(entry.path);
    if (!found) throw differs(entry.path, 'the index lists it, but it did not arrive');
    if (digests && !entry.digests) throw differs(entry.path, 'the index has no SHA-256 of it');
    compareMember(entry, found);
  }
  const known = new Set(promised.map((entry) => entry.path));
  for (const path of arrived.keys()) {
    if (!known.has(path)) throw differs(path, 'it arrived, but the index does not list it');
  }
  if (known.size < promised.length) throw differs('', 'a member is listed twice');
}

function compareMember(promised: MemberEntry, found: MemberEntry): void {
  const { path } = promised;
  if (found.size !== promised.size) {
    throw differs(path, `${found.size} bytes arrived, the index lists ${promised.size}`);
  }
  if (found.chunks.length !== promised.chunks.length) {
    const counts = [found, promised].map((entry) => entry.chunks.length / numbersPerChunk);
    throw differs(path, `${counts[0]} chunks arrived, the index lists ${counts[1]}`);
  }
  const digests = promised.digests ?? [];
  const wrong = digests.findIndex((digest, i) => digest !== found.digests?.[i]);
  if (wrong >= 0) throw differs(path, `chunk ${wrong} has not the SHA-256 of the index`);
  if (found.chunkPath !== promised.chunkPath) throw differs(path, 'its chunks have another path');
  const { headers } = promised;
  if (found.headers?.some((length, i) => length !== headers?.[i]) ?? headers !== undefined) {
    throw differs(path, 'the headers of its chunks are others');
  }
  const at = found.chunks.findIndex((number, i) => number !== promised.chunks[i]);
  if (at >= 0) {
    throw differs(path, `chunk ${Math.floor(at / numbersPerChunk)} is not the one in the index`);
  }
}

function differs(path: string, message: string): BackupError {
  return new BackupError('corrupt', path === '' ? message : `member ${path}: ${message}`, {
    where: { path },
  });
}
