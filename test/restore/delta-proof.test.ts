import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { filHeader, pageLsnNumber } from '../../formats/innodb/index.ts';
import { encodeDeltaMeta } from '../../formats/metadata/index.ts';
import { DeltaProof } from '../../src/restore/delta-proof.ts';
import { MemberProofs } from '../../src/restore/member-proofs.ts';
import { PageRunsEncoder } from '../../formats/archive-record/index.ts';
import { verify } from '../../src/restore/verify.ts';
import { type Sample, assemble, failureOf } from '../archive/support.ts';
import {
  decodeAll,
  encodeAll,
  vector,
  type VectorName,
  vectors,
} from '../formats/delta/support.ts';

type Page = ReturnType<typeof decodeAll>[number];

/** Pages of a real delta by mariadb-backup, with its `.meta`. */
function realDelta(name: VectorName): { meta: Uint8Array; pages: Page[]; pageSize: number } {
  const { pageSize } = vectors[name];
  const pages = decodeAll(vector(name), pageSize);
  const [first] = pages;
  const spaceId = first ? filHeader.decode(first.bytes).spaceId : 7;
  const zipSize = pageSize === 1024 ? pageSize : 0;
  return { meta: encodeDeltaMeta({ pageSize, zipSize, spaceId, others: [] }), pages, pageSize };
}

/** What the proof of these bytes says, given in pieces of this size. */
function proofOf(meta: Uint8Array, bytes: Uint8Array, step = 1000): DeltaProof {
  const proof = new DeltaProof('db/t.ibd.delta', meta, {
    flavour: 'mariadb',
    systemPageSize: undefined,
  });
  const piece = new Uint8Array(step);
  for (let at = 0; at < bytes.length; at += step) {
    const part = bytes.subarray(at, at + step);
    // As in a pipeline: the memory is used again for the next piece.
    piece.set(part);
    proof.push(at, piece.subarray(0, part.length));
  }
  proof.end();
  return proof;
}

describe('the proof of a delta', () => {
  for (const name of ['still', 'few', 'many', 'zip', 'exact'] as const) {
    it(`takes the pages of ${name} for right`, () => {
      const { meta, pages } = realDelta(name);
      const proof = proofOf(meta, vector(name));
      assert.equal(proof.pages, pages.length);
      const lsns = pages.map(({ bytes }) => pageLsnNumber(bytes));
      assert.equal(proof.youngest.lsn, Math.max(0, ...lsns));
    });
  }

  it('takes pages for right whose format no page 0 tells', () => {
    for (const name of ['many', 'zip'] as const) {
      const { meta, pages, pageSize } = realDelta(name);
      const rest = pages.filter(({ pageNumber }) => pageNumber > 0);
      assert.equal(proofOf(meta, encodeAll(rest, pageSize)).pages, rest.length);
    }
  });

  it('refuses a page of which a bit is another', async () => {
    for (const name of ['few', 'many', 'zip'] as const) {
      const { meta, pages } = realDelta(name);
      const bytes = vector(name);
      const { offset, pageNumber } = pages.at(-1) as Page;
      bytes[offset + 500] = (bytes[offset + 500] ?? 0) ^ 1;
      const error = await failureOf(() => proofOf(meta, bytes));
      assert.equal(error.code, 'corrupt');
      assert.match(
        error.message,
        new RegExp(`db/t.ibd.delta: page ${pageNumber} at byte ${offset}: `, 'u'),
      );
    }
  });

  it('refuses a page that belongs elsewhere', async () => {
    const { meta, pages, pageSize } = realDelta('few');
    const last = pages.at(-1) as Page;
    const moved = [...pages.slice(0, -1), { ...last, pageNumber: last.pageNumber + 1 }];
    assert.equal(
      (await failureOf(() => proofOf(meta, encodeAll(moved, pageSize)))).code,
      'corrupt',
    );
  });

  it('refuses a page 0 of another space than its .meta file', async () => {
    const { meta, pages, pageSize } = realDelta('many');
    assert.equal(pages[0]?.pageNumber, 0);
    const other = encodeDeltaMeta({ pageSize, zipSize: 0, spaceId: 4711, others: [] });
    proofOf(meta, vector('many'));
    const error = await failureOf(() => proofOf(other, vector('many')));
    assert.match(error.message, /it is of space \d+, its .meta file of 4711/u);
  });

  it('refuses a delta that is cut, or is none', async () => {
    const { meta } = realDelta('few');
    const cut = await failureOf(() => proofOf(meta, vector('few').subarray(0, -1)));
    assert.match(cut.message, /^db\/t.ibd.delta: /u);
    assert.equal((await failureOf(() => proofOf(meta, new Uint8Array(4096)))).code, 'corrupt');
  });

  it('is made of the .meta file that came before, and counts with the other proofs', async () => {
    const { meta, pages } = realDelta('many');
    const proofs = new MemberProofs();
    await proofs.write('db/t.ibd.meta', 0, meta);
    await proofs.close('db/t.ibd.meta');
    await proofs.write('db/t.ibd.delta', 0, vector('many'));
    await proofs.close('db/t.ibd.delta');
    assert.equal(proofs.pages, pages.length);
    assert.ok(proofs.isChecked('db/t.ibd'));
    const youngest = Math.max(...pages.map(({ bytes }) => pageLsnNumber(bytes)));
    proofs.requireLsn(BigInt(youngest));
    const error = await failureOf(() => {
      proofs.requireLsn(BigInt(youngest - 1));
    });
    assert.equal(error.code, 'corrupt');
  });
});

/** An archive with one delta of which the index says these pages. */
function archiveOf(name: VectorName, text: string | undefined, metaIsThere = true): Uint8Array {
  const { meta } = realDelta(name);
  const samples: Sample[] = [
    ['db/t.ibd.delta', vector(name)],
    [
      'xtrabackup_checkpoints',
      'backup_type = incremental\nfrom_lsn = 5\nto_lsn = 7\nlast_lsn = 9999999999\n',
    ],
  ];
  return assemble(metaIsThere ? [['db/t.ibd.meta', meta], ...samples] : samples, {
    index: (members) =>
      members.map((entry) => {
        if (!entry.path.endsWith('.delta')) return entry;
        return { ...entry, delta: { fileSize: 4096, chunkPages: 4096, pages: text } };
      }),
  });
}

describe('the list of pages that an index has of a delta', () => {
  const listOf = (pages: readonly Pick<Page, 'pageNumber'>[]): string | undefined => {
    const runs = new PageRunsEncoder(1e6);
    for (const { pageNumber } of pages) runs.add(pageNumber);
    return runs.end();
  };
  const verified = async (archive: Uint8Array): Promise<number> => {
    const bytes = (async function* () {
      await Promise.resolve();
      yield archive;
    })();
    return (await verify({ name: 'archive', bytes }, {})).pages;
  };

  it('is proved where there is one', async () => {
    for (const name of ['still', 'few', 'many', 'zip', 'exact'] as const) {
      const { pages } = realDelta(name);
      assert.equal(await verified(archiveOf(name, listOf(pages))), pages.length);
      assert.equal(await verified(archiveOf(name, undefined)), pages.length);
    }
  });

  it('is refused when it lacks a page, has one more, or another', async () => {
    const { pages } = realDelta('many');
    const last = pages.at(-1) as Page;
    for (const wrong of [
      pages.slice(0, -1),
      [...pages, { pageNumber: last.pageNumber + 1 }],
      [...pages.slice(0, -1), { pageNumber: last.pageNumber + 1 }],
      [],
    ]) {
      const error = await failureOf(() => verified(archiveOf('many', listOf(wrong))));
      assert.equal(error.code, 'corrupt');
      assert.match(error.message, /^db\/t.ibd.delta: it has other pages than the index says/u);
    }
  });

  it('is not believed of a delta whose pages could not be checked', async () => {
    const error = await failureOf(() => verified(archiveOf('few', undefined, false)));
    assert.equal(error.code, 'corrupt');
    assert.match(error.message, /no .meta file came before it/u);
  });
});
