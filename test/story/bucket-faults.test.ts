import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';

import { startServer, type TestServer } from '../support/server.ts';
import {
  type Fault,
  type FaultScript,
  anyFault,
  failOperation,
  randomFaults,
} from '../support/s3/faults.ts';
import { behind, type FaultProxy, startFaultProxy } from '../support/s3/fault-proxy.ts';
import { startS3Process, type S3Place } from '../support/s3/s3-place.ts';
import { scratchDir } from '../support/scratch.ts';
import { startTool, toolEnd, type ToolResult } from '../support/tool.ts';
import { createSchema } from '../support/workload.ts';
import { bucketArgs, bucketEnvironment } from './bucket-support.ts';
import { accessArgs, stateBefore } from './held-backup.ts';
import { proveSame, serverOf } from './ways-back.ts';

const product = 'mariadb-10.11';
const smallParts = ['--s3-part-size=5M', '--s3-max-parts=3'];

let place: S3Place;
let proxy: FaultProxy;
let source: TestServer;
let names = 0;

before(async () => {
  place = await startS3Process();
  proxy = await startFaultProxy(place.endpoint);
  source = await startServer({ name: 'source', product });
  await createSchema(source, { megabytes: 4 });
});

after(async () => {
  await proxy.stop();
  await place.stop();
});

const newName = (): string => `n${(names += 1)}`;

/** Counts the requests of an operation from now on. */
function fromNow(script: FaultScript): FaultScript {
  const earlier = new Map<string, number>();
  for (const { operation, ofOperation } of proxy.log) earlier.set(operation, ofOperation);
  return (request) => {
    const ofOperation = request.ofOperation - (earlier.get(request.operation) ?? 0);
    return script({ ...request, ofOperation });
  };
}

function start(
  command: string[],
  script: FaultScript,
  more: string[] = [],
): ReturnType<typeof startTool> {
  proxy.script = fromNow(script);
  const args = [...command, ...bucketArgs(behind(place, proxy)), ...more];
  return startTool(args, { env: bucketEnvironment(place) });
}

const backupOf = (name: string): string[] => [
  'backup',
  ...accessArgs(source),
  `--to=${place.url(name)}`,
  ...smallParts,
];

async function backUp(name: string, script: FaultScript, more?: string[]): Promise<ToolResult> {
  return await toolEnd(start(backupOf(name), script, more));
}

/** No object, no manifest, no upload. */
async function assertNothingOf(name: string): Promise<void> {
  const keys = (await place.keys()).filter((key) => key.startsWith(`${name}/`));
  assert.deepEqual(keys, []);
  assert.deepEqual(await place.openUploads(), []);
}

async function restore(name: string, script: FaultScript): Promise<string> {
  const datadir = join(scratchDir('back'), 'data');
  const server = ['--server-binary', serverOf(product)];
  const args = ['restore', `--from=${place.url(name)}`, `--datadir=${datadir}`, ...server];
  const { status, stderr } = await toolEnd(start(args, script));
  assert.equal(status, 0, stderr);
  return datadir;
}

const always = (operation: string, fault: Fault): FaultScript =>
  failOperation(operation, fault, { count: Infinity });

describe('between the tool and the store', () => {
  it('whatever passes is ridden out, there and back', async () => {
    let failed = 0;
    for (const seed of [1, 2, 3]) {
      const name = newName();
      const faults = randomFaults(seed, 0.2, anyFault);
      const { status, stderr } = await backUp(name, faults);
      assert.equal(status, 0, stderr);
      assert.deepEqual(await place.openUploads(), []);
      const datadir = await restore(name, faults);
      if (seed === 1) await proveSame(source, datadir, { replay: false });
      failed = proxy.log.filter(({ fault }) => fault !== undefined).length;
    }
    assert.ok(failed >= 10, `${failed} requests failed`);
  });

  it('a silence is ended and the request sent again', async () => {
    const name = newName();
    const script = failOperation('UploadPart', { kind: 'stall' }, { first: 2 });
    const { status, stderr } = await backUp(name, script, ['--timeout=1']);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /trying again/u);
    proxy.release();
    const half = failOperation(
      'GetObject',
      { kind: 'stall-response', after: 70_000 },
      { first: 2 },
    );
    const verify = ['verify', `--from=${place.url(name)}`, '--timeout=1'];
    const verified = await toolEnd(start(verify, half));
    assert.equal(verified.status, 0, verified.stderr);
    proxy.release();
  });

  const ends: [string, FaultScript, number, RegExp][] = [
    [
      'credentials that expired for good',
      always('UploadPart', { kind: 'refuse', code: 'ExpiredToken' }),
      21,
      /token has expired.*\[credentials/u,
    ],
    [
      'a right that is missing',
      always('UploadPart', { kind: 'refuse', code: 'AccessDenied' }),
      21,
      /Access Denied.*\[credentials/u,
    ],
    [
      'a store that has too much to do for too long',
      always('UploadPart', { kind: 'refuse', code: 'SlowDown' }),
      20,
      /SlowDown.*tried 4 times.*\[storage/u,
    ],
    [
      'a store that takes other bytes than were sent',
      always('UploadPart', { kind: 'wrong-etag' }),
      20,
      /the store took bytes of MD5/u,
    ],
    [
      'an object that cannot be completed',
      always('CompleteMultipartUpload', { kind: 'refuse', code: 'InternalError' }),
      20,
      /InternalError.*\[storage/u,
    ],
    [
      'a second object that cannot be completed, when the first one is',
      failOperation(
        'CompleteMultipartUpload',
        { kind: 'refuse', code: 'AccessDenied' },
        { first: 2, count: Infinity },
      ),
      21,
      /Access Denied/u,
    ],
    [
      'a manifest that cannot be written',
      always('PutObject', { kind: 'refuse', code: 'InternalError' }),
      20,
      /manifest\.json: .*InternalError/u,
    ],
    [
      'a manifest that may have been written and never was confirmed',
      always('PutObject', { kind: 'lose-answer' }),
      20,
      /manifest\.json/u,
    ],
  ];
  for (const [name, script, status, message] of ends) {
    it(`${name} ends the backup with status ${status} and leaves nothing`, async () => {
      const backup = newName();
      const ended = await backUp(backup, script, ['--max-retries=3']);
      const isWritten = (await place.keys()).includes(`${backup}/manifest.json`);
      // An answer may be lost behind a manifest that was written: then it counts.
      if (ended.status === 0) assert.ok(isWritten, ended.stderr);
      else {
        assert.equal(ended.status, status, ended.stderr);
        assert.match(ended.stderr, message);
        await assertNothingOf(backup);
      }
    });
  }

  it('a signal ends the backup, and its uploads', async () => {
    for (const [signal, status] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
    ] as const) {
      const name = newName();
      const hold = always('UploadPart', { kind: 'stall' });
      const child = start(backupOf(name), hold);
      const end = toolEnd(child);
      assert.ok(await stateBefore(end, () => proxy.stalled > 0));
      child.kill(signal);
      const ended = await end;
      assert.equal(ended.status, status, ended.stderr);
      await assertNothingOf(name);
      proxy.release();
    }
  });

  it('a signal while the manifest is on its way ends the backup and leaves nothing', async () => {
    const name = newName();
    const own = await startFaultProxy(place.endpoint, always('PutObject', { kind: 'stall' }));
    const args = [...backupOf(name), ...bucketArgs(behind(place, own)), '--timeout=1'];
    const child = startTool(args, { env: bucketEnvironment(place) });
    const end = toolEnd(child);
    assert.ok(await stateBefore(end, () => own.stalled > 0));
    child.kill('SIGTERM');
    const ended = await end;
    assert.equal(ended.status, 143, ended.stderr);
    await assertNothingOf(name);
    await own.stop();
  });

  it('a signal while the archive is proved leaves no manifest without it', async () => {
    const name = newName();
    // The first look comes before the completion, the second proves it.
    const script: FaultScript = (request) =>
      request.operation === 'HeadObject' &&
      own.log.some(({ operation }) => operation === 'CompleteMultipartUpload')
        ? { kind: 'stall' }
        : undefined;
    const own: FaultProxy = await startFaultProxy(place.endpoint);
    own.script = script;
    const args = [...backupOf(name), ...bucketArgs(behind(place, own)), '--s3-max-parts=10000'];
    const child = startTool(args, { env: bucketEnvironment(place) });
    const end = toolEnd(child);
    assert.ok(await stateBefore(end, () => own.stalled > 0));
    child.kill('SIGTERM');
    // What gives up looks as well; both go on, in whatever order.
    assert.ok(await stateBefore(end, () => own.stalled > 1));
    own.script = () => undefined;
    own.release();
    const ended = await end;
    assert.equal(ended.status, 143, ended.stderr);
    await assertNothingOf(name);
    await own.stop();
  });

  it('a store that is gone for good is told apart, with what may be left in it', async () => {
    const name = newName();
    const own = await startFaultProxy(place.endpoint, always('UploadPart', { kind: 'stall' }));
    const args = [...backupOf(name), ...bucketArgs(behind(place, own)), '--max-retries=2'];
    const end = toolEnd(startTool(args, { env: bucketEnvironment(place) }));
    assert.ok(await stateBefore(end, () => own.stalled > 0));
    await own.stop();
    const { status, stderr } = await end;
    assert.equal(status, 20, stderr);
    assert.match(
      stderr,
      /WARNING: what was uploaded of s3:\S+archive\.xbs is left: .*ECONNREFUSED/u,
    );
    const uploads = await place.openUploads();
    assert.deepEqual(
      uploads.map(({ key }) => key),
      [`${name}/archive.xbs`],
    );
  });

  it('damage on the way back is found, and nothing is started on it', async () => {
    const name = newName();
    const taken = await backUp(name, () => undefined);
    assert.equal(taken.status, 0, taken.stderr);
    const flip: Fault = { kind: 'flip-response', at: 2_000_000 };
    const script = failOperation('GetObject', flip, { first: 3 });
    const args = ['verify', `--from=${place.url(name)}`];
    const { status, stderr } = await toolEnd(start(args, script));
    assert.equal(status, 31, stderr);
  });
});
