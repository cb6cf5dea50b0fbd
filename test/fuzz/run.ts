// `npm run fuzz -- [target|all] [minutes] [first seed]`: goes on for so long, target after target,
// following the coverage, and writes each finding to `.cache/fuzz`.

import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { guardedRun } from './guarded-run.ts';
import { type Finding, type Tally, headline } from './job.ts';
import { targetNamed, targets } from './targets/index.ts';

const folder = '.cache/fuzz';
const turnMs = 20_000;
/** More than fit in a turn. */
const seedsPerTurn = 1_000_000;

const [name = 'all', minutes = '10', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);
const chosen = name === 'all' ? targets : [targetNamed(name)];

function keep(finding: Finding): void {
  mkdirSync(folder, { recursive: true });
  const digest = createHash('sha256').update(JSON.stringify(finding)).digest('hex').slice(0, 12);
  const path = join(folder, `${finding.target}-${digest}.hex`);
  const lines = [
    headline(finding),
    ...finding.what.split('\n'),
    `changes: ${finding.changes.join()}`,
  ];
  writeFileSync(path, [...lines.map((line) => `# ${line}`), finding.hex ?? '', ''].join('\n'));
  console.log(`FOUND ${headline(finding)}\n  kept in ${path}`);
}

function shown({ target, tried, accepted, acceptedMended, refused, kept }: Tally): string {
  return `${target}: ${tried} tried, ${accepted} accepted (${acceptedMended} mended), ${refused} refused, ${kept} led to new code`;
}

// Following the coverage costs most of the speed of small readers, so it is done every other turn.
let guided = true;
const endsAt = performance.now() + Number(minutes) * 60_000;
let findings = 0;
let firstSeed = Number(seed);
while (performance.now() < endsAt) {
  for (const { name: target } of chosen) {
    const left = endsAt - performance.now();
    if (left <= 0) break;
    // With many targets and little time each gets its share.
    const untilMs = Math.min(turnMs, Math.max(1000, (Number(minutes) * 60_000) / chosen.length));
    const job = { target, firstSeed, count: seedsPerTurn, untilMs, guided };
    const report = await guardedRun([job]);
    for (const finding of report.findings) keep(finding);
    findings += report.findings.length;
    for (const tally of report.tallies) console.log(shown(tally));
  }
  guided = !guided;
  firstSeed += seedsPerTurn;
}
console.log(`${findings} findings`);
process.exitCode = findings === 0 ? 0 : 1;
