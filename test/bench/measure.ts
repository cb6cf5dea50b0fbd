// Two tools doing the same job in turn, so that whatever else the machine does meets both.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';

/** Rounds that count, after one that warms up. */
const rounds = 5;
/** The kernel keeps the high-water mark, so that seldom is often enough; the sampler costs time too. */
const sampleMs = 100;
const nameWidth = 34;

interface Measure {
  wall: number;
  cpu: number;
  /** Peak resident memory, MiB. */
  memory: number;
  /** Written to disks, MB. */
  written: number;
}

/** Runs a shell command and all that it starts; output goes where the command says. */
async function measure(command: string): Promise<Measure> {
  // The kernel adds up what the children of a process wrote that it has waited for.
  const io = 'status=$?; grep ^write_bytes /proc/$$/io >&2; exit $status';
  const timed = `set -o pipefail; TIMEFORMAT='TIMES %R %U %S'; time { ${command}; }; ${io}`;
  const child = spawn('bash', ['-c', timed], { stdio: ['ignore', 'ignore', 'pipe'] });
  let memory = 0;
  const sampler = setInterval(() => {
    memory = Math.max(memory, ...descendants(child.pid ?? 0).map(peakMemory));
  }, sampleMs);
  const [says, [status]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  clearInterval(sampler);
  const times = /TIMES ([\d.]+) ([\d.]+) ([\d.]+)/.exec(says);
  if (!times || status !== 0) throw new Error(`${command}\n${says.slice(-2000)}`);
  const [wall = 0, user = 0, system = 0] = times.slice(1).map(Number);
  const [, bytes = '0'] = /^write_bytes: (\d+)/m.exec(says) ?? [];
  return { wall, cpu: user + system, memory, written: Number(bytes) / 1e6 };
}

function descendants(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    return children
      .filter(Boolean)
      .flatMap((child) => [Number(child), ...descendants(Number(child))]);
  } catch {
    return [];
  }
}

function peakMemory(pid: number): number {
  try {
    const [, kib = '0'] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kib) / 1024;
  } catch {
    return 0;
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

function show(name: string, runs: Measure[], note: string): Record<keyof Measure, number> {
  const of = (key: keyof Measure): number[] => runs.map((run) => run[key]);
  const middle = {
    wall: median(of('wall')),
    cpu: median(of('cpu')),
    memory: Math.max(...of('memory')),
    written: median(of('written')),
  };
  const spread = `${Math.min(...of('wall')).toFixed(2)} to ${Math.max(...of('wall')).toFixed(2)}`;
  console.log(
    `  ${name.padEnd(nameWidth)} wall ${middle.wall.toFixed(2)} s (${spread}), ` +
      `cpu ${middle.cpu.toFixed(2)} s, peak memory ${middle.memory.toFixed(0)} MiB, ` +
      `${middle.written.toFixed(0)} MB written${note}`,
  );
  return middle;
}

/** Two commands that do the same. */
export interface Contest {
  title: string;
  ours: string;
  theirs: string;
  /** What the peer is called. */
  peer: string;
  /** Our wall time over the peer's, at most. */
  goal: number;
  /** Brings files and caches into the same state before each run. */
  before: () => Promise<void>;
  /** What else is to be said of the run that just was. */
  note?: () => Promise<string>;
}

/** Runs both in turn and prints medians, spread and ratios. */
export async function compare({ title, ours, theirs, ...contest }: Contest): Promise<void> {
  const runs: { ours: Measure[]; theirs: Measure[] } = { ours: [], theirs: [] };
  const notes = { ours: '', theirs: '' };
  for (let round = 0; round <= rounds; round++) {
    await contest.before();
    const mine = await measure(ours);
    notes.ours = (await contest.note?.()) ?? '';
    await contest.before();
    const peer = await measure(theirs);
    notes.theirs = (await contest.note?.()) ?? '';
    if (round === 0) continue;
    runs.ours.push(mine);
    runs.theirs.push(peer);
  }
  console.log(`${title}: medians of ${rounds} rounds, in turn`);
  const mine = show('xbpipe', runs.ours, notes.ours);
  const peer = show(contest.peer, runs.theirs, notes.theirs);
  const pairs = runs.ours.map((run, i) => run.wall / (runs.theirs[i]?.wall ?? NaN));
  console.log(
    `  ${'ratio'.padEnd(nameWidth)} wall ${median(pairs).toFixed(2)} ` +
      `(goal: at most ${contest.goal.toFixed(2)}), cpu ${(mine.cpu / peer.cpu).toFixed(2)}; ` +
      (peer.written > 0 ? `written ${(mine.written / peer.written).toFixed(2)}; ` : '') +
      'memory goal: at most 256 MiB',
  );
}
