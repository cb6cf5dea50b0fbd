import { resolve } from 'node:path';
import type { Writable } from 'node:stream';
import type { Reporter } from '../reporter.ts';
import type { ByteSink } from '../sink/byte-sink.ts';
import { openStdout } from '../sink/stdout.ts';
import { type ByteSource, openStdin } from '../source/byte-source.ts';
import { version } from '../version.ts';
import { stockExitStatusHelp } from './exit-status.ts';
import { describeOptions } from './mysql-options.ts';
import { requireKind } from './require-kind.ts';
import { type Say, runStockProgram } from './stock-program.ts';
import { createArchive, findFiles } from './xbstream-create.ts';
import { extractArchive } from './xbstream-extract.ts';
import { refuseContradictions, xbstreamOptions, type XbstreamOptions } from './xbstream-options.ts';

// The xbstream program: the options of XtraBackup's and `-p` of MariaDB's mbstream,
// stricter where those are silent: a cut archive, a name that leads out of the
// directory, arguments that mean nothing.

/** What the program talks to: the process's own, or others in a test. */
export interface XbstreamStreams {
  openInput: () => ByteSource;
  openOutput: () => ByteSink;
  /** For the help text and the version. */
  stdout: Writable;
  stderr: Writable;
}

const processStreams = (): XbstreamStreams => ({
  openInput: openStdin,
  openOutput: openStdout,
  stdout: process.stdout,
  stderr: process.stderr,
});

/** Runs the program and gives its exit status; never throws. */
export async function xbstream(
  argv: readonly string[],
  streams: XbstreamStreams = processStreams(),
): Promise<number> {
  const program = { name: 'xbstream', options: xbstreamOptions, stderr: streams.stderr };
  return await runStockProgram(program, argv, async (parsed, say) => {
    if (parsed.values.help) streams.stdout.write(helpText());
    else if (parsed.values.version) streams.stdout.write(`xbstream ${version}\n`);
    else await run(parsed, streams, say);
  });
}

async function run(parsed: XbstreamOptions, streams: XbstreamStreams, say: Say): Promise<void> {
  const { values, args } = parsed;
  refuseContradictions(parsed);
  const directory = values.directory ?? '.';
  await requireKind(directory, 'directory');
  const onFile = values.verbose
    ? (name: string): void => {
        // By itself on its line, as XtraBackup's prints it.
        streams.stderr.write(`${name}\n`);
      }
    : undefined;
  if (values.create) {
    const naming = { directory, absoluteNames: values['absolute-names'] };
    const files = await findFiles(args, naming, say);
    await createArchive(files, streams.openOutput(), onFile);
    return;
  }
  const reporter = reporterOf(say);
  if (args.length > 0) reporter.warn('-x takes all files out, whatever the arguments name');
  const { openInput } = streams;
  await extractArchive(parsed, resolve(directory), { openInput, reporter, onMember: onFile });
}

function reporterOf(say: Say): Reporter {
  const warn = (text: string): void => {
    say(`warning: ${text}`);
  };
  return { info: say, warn, progress: () => undefined };
}

function helpText(): string {
  return `Usage: xbstream -c [options] FILE...
       xbstream -x [options]

Puts files into an xbstream archive on stdout, or takes those of an archive on
stdin out. Files appear under their names when the archive is whole; until then
they are in the folder xbpipe-partial, where a failure leaves what arrived.
Nothing is ever overwritten, and nothing is written outside of the directory.

Options:
${describeOptions(xbstreamOptions)}
${stockExitStatusHelp()}`;
}
