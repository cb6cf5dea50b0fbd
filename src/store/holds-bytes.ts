import type { ObjectStore } from './object-store.ts';

/** True when an object is there and has exactly these bytes. */
export async function holdsBytes(
  store: ObjectStore,
  key: string,
  bytes: Uint8Array,
): Promise<boolean> {
  const found = await store.head(key);
  if (found?.size !== bytes.length) return false;
  const there = new Uint8Array(found.size);
  await store.read({ key, offset: 0, etag: found.etag }, there);
  return Buffer.compare(there, bytes) === 0;
}
