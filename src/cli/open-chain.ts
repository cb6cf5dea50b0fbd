import type { Command } from 'commander';
import { findChain } from '../chain/find-chain.ts';
import type { StoredLink } from '../chain/link.ts';
import { noLink, openLink } from '../chain/open-link.ts';
import type { StoredArchive } from '../restore/preview.ts';
import { type StoreAccess, openStore } from '../store/open-store.ts';
import { parentOf, parsePlace } from '../store/place-url.ts';
import { type OpenedSource, openSource } from './open-source.ts';
import { collect } from './parse-values.ts';

/** The links of a chain, the full backup first. */
export type Links = [StoredLink, ...StoredLink[]];

/** What `--from` names: a full backup, or a chain. */
export type OpenedChain = { opened: OpenedSource } | { links: Links };

/** `--from`, what `openChain` opens. */
export function addChainOption(command: Command): Command {
  return command.option(
    '--from <source>',
    'backup or archive: a path, a file: or s3: URL (default: standard input); an increment with ' +
      'a manifest finds its chain, of others name every link, the full backup first',
    collect,
  );
}

/**
 * What one `--from` names, with the chain below it where its manifest says that it is an
 * increment; or the chain of several.
 */
export async function openChain(
  from: readonly string[] | undefined,
  key: Uint8Array | undefined,
  access: StoreAccess,
  signal: AbortSignal,
): Promise<OpenedChain> {
  const [first, ...more] = from ?? [];
  const open = async (name: string): Promise<OpenedSource> =>
    await openSource(name, access, signal);
  if (first !== undefined && more.length > 0) {
    const links: Links = [await openLink(storedOf(await open(first)), key, signal)];
    for (const name of more) links.push(await openLink(storedOf(await open(name)), key, signal));
    return { links };
  }
  const opened = await openSource(first, access, signal);
  const [full, ...increments] = await storedChain(first, opened, access, signal);
  if (!full) return { opened };
  const links: Links = [await openLink(full, key, signal)];
  for (const backup of increments) links.push(await openLink(backup, key, signal));
  return { links };
}

/** The backups below an increment that has a manifest, and it; none where there is nothing to find. */
export async function storedChain(
  from: string | undefined,
  { backup }: OpenedSource,
  access: StoreAccess,
  signal: AbortSignal,
): Promise<StoredArchive[]> {
  if (from === undefined || backup?.manifest.parentId === undefined) return [];
  const { parent, name } = parentOf(parsePlace(from));
  const chain = await findChain(await openStore(parent, access), name, signal);
  return chain.map((one) => ({ archive: one.archive, backup: one }));
}

/** What is read in parts, as a chain is. */
export function storedOf({ source, archive, backup }: OpenedSource): StoredArchive {
  if (!archive) throw noLink(source.name);
  return { archive, backup };
}
