import { readFileSync, readdirSync } from 'node:fs';

// Inputs that showed something once, or that carry a forged length: `# refuse: what it showed`
// (or `# accept: ...`), then the bytes in hex.

const folder = 'test/fuzz/corpus';

export interface CorpusCase {
  target: string;
  name: string;
  verdict: 'accept' | 'refuse';
  /** What it showed. */
  why: string;
  bytes: Uint8Array;
}

export function corpus(): CorpusCase[] {
  return readdirSync(folder).flatMap((target) =>
    readdirSync(`${folder}/${target}`).map((file) => caseOf(target, file)),
  );
}

function caseOf(target: string, file: string): CorpusCase {
  const [first = '', ...rest] = readFileSync(`${folder}/${target}/${file}`, 'utf8').split('\n');
  const found = /^# (accept|refuse): (.+)$/.exec(first);
  if (!found) throw new Error(`${target}/${file} does not say what it showed`);
  const [, verdict, why = ''] = found;
  return {
    target,
    name: file.slice(0, file.lastIndexOf('.')),
    verdict: verdict as CorpusCase['verdict'],
    why,
    bytes: Buffer.from(rest.join(''), 'hex'),
  };
}
