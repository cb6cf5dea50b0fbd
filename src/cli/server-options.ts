import type { Command } from 'commander';
import type { PrepareOptions } from '../restore/prepare.ts';

export interface ServerValues {
  serverBinary?: string;
  serverArg?: string[];
}

/** Options of the commands that let a server recover a directory. */
export function addServerOptions(command: Command): Command {
  const collect = (value: string, all: string[] = []): string[] => [...all, value];
  return command
    .option(
      '--server-binary <path>',
      'server to recover with (default: mariadbd or mysqld of PATH and the usual places)',
    )
    .option(
      '--server-arg <arg>',
      'one more argument for it, such as a key plugin; may be repeated',
      collect,
    );
}

export function serverOptionsOf({ serverBinary, serverArg = [] }: ServerValues): PrepareOptions {
  return { serverBinary, serverArguments: serverArg };
}
