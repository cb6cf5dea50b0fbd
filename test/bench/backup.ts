// xbpipe and the stock tools on the same data, in turn.

import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { findProgram } from '../support/programs.ts';
import { scratchDir } from '../support/scratch.ts';
import { compare } from './measure.ts';
import { shell } from './shell.ts';
import type { Source } from './source.ts';

export async function benchStreams({ server, tool, ours, warm }: Source): Promise<void> {
  const theirs =
    `${findProgram('mariadb-backup')} --no-defaults --backup --stream=xbstream --user=root --parallel=2 ` +
    `--socket=${server.socket} --datadir=${server.datadir} --target-dir=${scratchDir('peer')}`;
  const scratch = scratchDir('bench');
  const key = join(scratch, 'key');
  writeFileSync(key, randomBytes(32));

  const peer = 'mariadb-backup';
  for (const [title, rest] of [
    ['to /dev/null', '> /dev/null'],
    ['through a pipe', '| cat > /dev/null'],
  ] as const) {
    const commands = { ours: `${ours} ${rest}`, theirs: `${theirs} ${rest}` };
    await compare({ title, peer, ...commands, goal: 1.2, before: warm });
  }

  const zstd = 'zstd -1 -T0 -q -c';
  await compare({
    title: 'compressed with zstd level 1',
    ours: `${ours} --compress > /dev/null`,
    theirs: `${theirs} | ${zstd} > /dev/null`,
    peer: `${peer} | zstd -1 -T0`,
    goal: 1,
    before: warm,
  });
  await compare({
    title: 'compressed and encrypted with AES-256',
    ours: `${ours} --compress --encrypt=AES256 --encrypt-key-file=${key} > /dev/null`,
    theirs: `${theirs} | ${zstd} | openssl enc -aes-256-ctr -pbkdf2 -pass file:${key} > /dev/null`,
    peer: `${peer} | zstd | openssl enc`,
    goal: 1,
    before: warm,
  });

  const [own, stock, into] = ['own.xbs', 'stock.zst', 'into'].map((name) => join(scratch, name));
  await shell(`${ours} --compress > ${own}`);
  await shell(`${theirs} | ${zstd} > ${stock}`);
  await compare({
    title: 'extracted',
    // What was written is to be on the disk when the time is taken, as ours makes sure of it.
    ours: `${tool} extract --no-defaults --decompress --from=${own} -C ${into}`,
    theirs: `zstd -d -q -c ${stock} | ${findProgram('mbstream')} -x -C ${into} && sync -f ${into}`,
    peer: 'zstd -d | mbstream -x; sync',
    goal: 1,
    before: () => shell(`rm -rf ${into}; mkdir ${into}; cat ${own} ${stock} > /dev/null; sync`),
  });
}
