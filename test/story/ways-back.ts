// The ways from an archive to a running server, and the proof that it is the source again.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

import {
  findProgram,
  type Flavour,
  flavourOf,
  type Product,
  type ProgramName,
} from '../support/programs.ts';
import { assertSame, checkTables, readBinlogInfo, replayBinlog } from '../support/proof.ts';
import { scratchDir } from '../support/scratch.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { runShell } from '../support/tool.ts';

/** Shell commands that bring the archive `$1` back as the data directory `$2`; `$3`: the server. */
const ours = {
  'xbpipe extract and xbpipe prepare': `
    xbpipe extract -C "$2" <"$1" && xbpipe prepare --server-binary "$3" "$2"`,
  'xbpipe restore': `xbpipe restore --server-binary "$3" --datadir "$2" <"$1"`,
};

/** `$4` and `$5`: the stock programs. */
const scripts = {
  ...ours,
  'mbstream and mariadb-backup --prepare': `
    mkdir "$2"
    "$4" -x -C "$2" <"$1" && "$5" --no-defaults --prepare --target-dir="$2"`,
  'mbstream and xbpipe prepare': `
    mkdir "$2"
    "$4" -x -C "$2" <"$1" && xbpipe prepare --server-binary "$3" "$2"`,
} as const;

/** The same for an archive that is compressed and encrypted; `$6`: the key file. */
const keyScripts = {
  'xbpipe extract --decompress --decrypt and xbpipe prepare': `
    xbpipe extract --decompress --decrypt --encrypt-key-file="$6" -C "$2" <"$1" &&
      xbpipe prepare --server-binary "$3" "$2"`,
  'xbpipe restore with the key': `
    XBPIPE_ENCRYPT_KEY_FILE="$6" xbpipe restore --server-binary "$3" --datadir "$2" <"$1"`,
} as const;

export type WayBack = keyof typeof scripts | keyof typeof keyScripts;

export const waysBackWithKey = Object.keys(keyScripts) as WayBack[];

export const waysBack: Record<Flavour, readonly WayBack[]> = {
  mariadb: [
    'mbstream and mariadb-backup --prepare',
    'xbpipe extract and xbpipe prepare',
    'xbpipe restore',
  ],
  // Debian has no tool of MySQL's that prepares.
  mysql: ['mbstream and xbpipe prepare', 'xbpipe extract and xbpipe prepare', 'xbpipe restore'],
};

/** The server that recovers a data directory and then runs on it; the product's own by default. */
export interface ServerToUse {
  readonly program?: string | undefined;
  readonly serverOptions?: readonly string[] | undefined;
}

const serverName: Record<Flavour, ProgramName> = { mariadb: 'mariadbd', mysql: 'mysqld' };

/** The server program of a product, for `--server-binary`. */
export const serverOf = (product: Product): string =>
  findProgram(serverName[flavourOf(product)], product);

/** The archive tools come with MariaDB alone; MySQL's archives are the same to them. */
const stockTools = (product: Product): string[] => {
  const from = flavourOf(product) === 'mariadb' ? product : undefined;
  return (['mbstream', 'mariadb-backup'] as const).map((name) => findProgram(name, from));
};

/** Makes a data directory of an archive, or says why it cannot. */
export async function bringBack(
  archive: string,
  way: WayBack,
  product: Product,
  {
    program = serverOf(product),
    keyFile = '',
  }: { program?: string | undefined; keyFile?: string } = {},
): Promise<string> {
  const datadir = join(scratchDir('back'), 'data');
  const script = { ...scripts, ...keyScripts }[way];
  const args = [archive, datadir, program, ...stockTools(product), keyFile];
  const { status, stderr } = await runShell(script, ...args);
  assert.equal(status, 0, `${way}: ${stderr.slice(-5000)}`);
  return datadir;
}

interface ProofOptions {
  readonly replay: boolean;
  /** What must be true of the restored server before anything is replayed. */
  readonly atFirst?: ((target: TestServer) => Promise<void>) | undefined;
}

/** Starts a server on a restored data directory and holds it against its source, which must be quiet. */
export async function proveSame(
  source: TestServer,
  datadir: string,
  options: ProofOptions & ServerToUse,
  more: (target: TestServer) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { product } = source;
  const { program, serverOptions = [] } = options;
  const target = await startServer({
    name: 'back',
    product,
    datadir,
    options: serverOptions,
    ...(program === undefined ? {} : { program }),
  });
  assert.deepEqual(await checkTables(target), []);
  await options.atFirst?.(target);
  if (options.replay) {
    // What follows proves nothing unless there is something to replay.
    await assert.rejects(assertSame(source, target), /differ in/u);
    await replayBinlog(source, target, await readBinlogInfo(datadir));
  }
  await assertSame(source, target);
  await more(target);
  await target.stop();
}

/** Proves every way back from one archive, one after the other. */
export async function proveWaysBack(
  t: TestContext,
  source: TestServer,
  archive: string,
  options: ProofOptions & {
    ways?: readonly WayBack[];
    serverOptions?: readonly string[];
    /** Makes the server of one way: two servers must not have one keyring. */
    program?: () => Promise<string>;
    keyFile?: string;
    more?: (target: TestServer) => Promise<void>;
  },
): Promise<void> {
  const { product } = source;
  for (const way of options.ways ?? waysBack[flavourOf(product)]) {
    await t.test(way, async () => {
      const program = await options.program?.();
      const { keyFile = '' } = options;
      const datadir = await bringBack(archive, way, product, { program, keyFile });
      await proveSame(source, datadir, { ...options, program }, options.more);
    });
  }
}
