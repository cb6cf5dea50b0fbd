import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { isIncremental } from '../../../formats/metadata/index.ts';
import { chainLayout } from '../../chain/chain-layout.ts';
import type { StoredLink } from '../../chain/link.ts';
import { openLink } from '../../chain/open-link.ts';
import type { Reporter } from '../../reporter.ts';
import type { StoredArchive } from '../../restore/preview.ts';
import { type Verified, verify } from '../../restore/verify.ts';
import { keyOf, tellSeal } from '../decoding-options.ts';
import type { KeyValues } from '../encryption-key.ts';
import { addKeyOptions } from '../key-options.ts';
import { addChainOption, openChain, storedChain, storedOf } from '../open-chain.ts';
import { type OpenedSource, openSource } from '../open-source.ts';
import { restoreOpened } from './restore.ts';
import { type StoreValues, addStoreOptions, storeAccessOf } from '../store-options.ts';
import type { CommandContext, RunContext } from '../run-command.ts';
import { type ServerValues, addServerOptions, serverOptionsOf } from '../server-options.ts';

interface VerifyValues extends KeyValues, ServerValues, StoreValues {
  from?: string[];
  restoreDrill?: boolean;
  tmpdir: string;
}

export function verifyCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('verify')
    .description('Reads a backup to its end and proves it: chunks, records, every page');
  addChainOption(command)
    .option('--restore-drill', 'restore it into a scratch directory instead, and remove that again')
    .option('--tmpdir <dir>', 'where the scratch directory is made', tmpdir());
  addServerOptions(command);
  addKeyOptions(command);
  addStoreOptions(command);
  context.register(command, async (values: VerifyValues, run) => {
    if (values.restoreDrill === true) await drill(values, run);
    else await prove(values, run);
  });
}

async function prove(values: VerifyValues, run: RunContext): Promise<void> {
  const { reporter, signal } = run;
  const key = keyOf(values, reporter);
  const access = storeAccessOf(values, reporter, signal);
  const [first, ...more] = values.from ?? [];
  const opened = [await openSource(first, access, signal)];
  for (const from of more) opened.push(await openSource(from, access, signal));
  const chain =
    more.length > 0
      ? opened.map(storedOf)
      : await storedChain(first, opened[0] as OpenedSource, access, signal);
  // What is missing is known before the hours of reading.
  if (chain.length > 0) await proveChain(chain, key, run);
  for (const one of opened) {
    const verified = await proveOne(one, key, run);
    if (chain.length === 0) warnOfIncrement(verified, reporter);
  }
}

async function proveOne(
  { source, totalBytes }: OpenedSource,
  key: Uint8Array | undefined,
  { reporter, signal }: RunContext,
): Promise<Verified> {
  const verified = await verify(source, {
    key,
    signal,
    onProgress: (bytes) => {
      reporter.progress({ bytes, totalBytes });
    },
  });
  tellSeal(verified, key, reporter);
  tellVerified(verified, reporter);
  return verified;
}

/** Of one that its chain is not looked for. */
function warnOfIncrement({ begin, checkpoints }: Verified, reporter: Reporter): void {
  if (!isIncremental(checkpoints)) return;
  const parent = begin?.parentId ?? 'a backup that it does not name';
  reporter.warn(
    `this is an increment on ${parent}: alone it is no backup (name its chain: --from FULL --from ...)`,
  );
}

/** What an increment needs must be there as well; what is in it is proved when it is verified. */
async function proveChain(
  chain: readonly StoredArchive[],
  key: Uint8Array | undefined,
  { reporter, signal }: RunContext,
): Promise<void> {
  if (key === undefined && chain.some(({ backup }) => backup?.manifest.encryption !== undefined)) {
    reporter.warn(
      `the ${chain.length} backups of its chain are there; without a key no more is known`,
    );
    return;
  }
  const links: StoredLink[] = [];
  for (const backup of chain) links.push(await openLink(backup, key, signal));
  chainLayout(links);
  reporter.info(`its chain is there: ${links.map(({ name }) => name).join(', ')}`);
}

function tellVerified(
  { members, pages, closedMembers, uncheckedFiles, checkpoints }: Verified,
  reporter: Reporter,
): void {
  if (closedMembers > 0) {
    reporter.warn(
      `${closedMembers} members are encrypted: without a key their pages were not checked`,
    );
  }
  if (uncheckedFiles.length > 0) {
    reporter.warn(
      `the pages of ${uncheckedFiles.join(', ')} (system tablespace) were not checked: ` +
        'a restore checks them',
    );
  }
  reporter.info(
    `the archive is whole: ${members} files, ${pages} pages checked, ` +
      `none beyond LSN ${checkpoints.lastLsn}`,
  );
}

/** The whole way back, with the server's recovery; what it made is removed whatever comes of it. */
async function drill(values: VerifyValues, { reporter, signal }: RunContext): Promise<void> {
  const key = keyOf(values, reporter);
  const access = storeAccessOf(values, reporter, signal);
  const chain = await openChain(values.from, key, access, signal);
  const scratch = mkdtempSync(join(values.tmpdir, 'xbpipe-drill-'));
  try {
    const datadir = join(scratch, 'data');
    const options = { ...serverOptionsOf(values), datadir, scratch: true, key };
    await restoreOpened(chain, options, { reporter, signal });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  reporter.info('the backup was restored and recovered; the scratch directory is removed');
}
