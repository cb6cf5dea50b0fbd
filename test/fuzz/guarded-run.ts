import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Finding, Job, Line, Tally } from './job.ts';

const childModule = fileURLToPath(new URL('./child.js', import.meta.url));

/** What one input may take by the clock, generous on a busy machine; what hangs hangs longer. */
const silenceMsDefault = 60_000;
const heapMiBDefault = 256;

export interface RunOptions {
  /** Without a sign of life the process is killed after so many milliseconds. */
  silenceMs?: number;
  heapMiB?: number;
}

export interface Report {
  findings: Finding[];
  tallies: Tally[];
}

/**
 * Runs the jobs in a process of its own with little memory, and kills it when an input never
 * ends. A job whose input kills the process is a finding; those behind it are left out.
 */
export async function guardedRun(
  jobs: readonly Job[],
  { silenceMs = silenceMsDefault, heapMiB = heapMiBDefault }: RunOptions = {},
): Promise<Report> {
  const flags = [`--max-old-space-size=${heapMiB}`, '--expose-gc', '--no-warnings'];
  const child = spawn(process.execPath, [...flags, childModule, JSON.stringify(jobs)], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  const report: Report = { findings: [], tallies: [] };
  let at: { target: string; seed: number; hex?: string | undefined } | undefined;
  const silenced = new AbortController();
  const onSilence = (): void => {
    silenced.abort();
    child.kill('SIGKILL');
  };
  let silence = setTimeout(onSilence, silenceMs);
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-4000);
  });
  const lines = createInterface({ input: child.stdio[3] as Readable });
  lines.on('line', (text) => {
    clearTimeout(silence);
    silence = setTimeout(onSilence, silenceMs);
    const line = JSON.parse(text) as Line;
    if (line.kind === 'at') at = line;
    else if (line.kind === 'done') report.tallies.push(line);
    else report.findings.push(line);
  });
  const [[status, signal]] = (await Promise.all([once(child, 'close'), once(lines, 'close')])) as [
    [number | null, string | null],
    unknown,
  ];
  clearTimeout(silence);
  if (status === 0) return report;
  const end = silenced.signal.aborted
    ? `no end within ${silenceMs} ms`
    : `the process died: ${status ?? signal}`;
  const { target, seed, hex } = at ?? { target: jobs[0]?.target ?? '', seed: 0, hex: undefined };
  const what = `${end}\n${words}`;
  report.findings.push({ target, seed, what, changes: [], mended: false, hex });
  return report;
}
