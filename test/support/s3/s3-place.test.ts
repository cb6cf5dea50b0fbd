import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';

import { s3Client } from './client.ts';
import { type S3Place, startS3, startS3Process } from './s3-place.ts';

const MiB = 1024 * 1024;

/** S3's word for a refusal; for the answer of a HEAD, which has no body, its status. */
const refused = (code: string) => (error: Error & { Code?: string }) => {
  assert.equal(error.name, code);
  return true;
};

const md5 = (...pieces: Uint8Array[]): string => {
  const hash = createHash('md5');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
};

interface Bench {
  place: S3Place;
  client: S3Client;
}

const target = ({ place }: Bench, name: string): { Bucket: string; Key: string } => ({
  Bucket: place.bucket,
  Key: `${place.prefix}${name}`,
});

const put = async (
  bench: Bench,
  name: string,
  Body: NonNullable<PutObjectCommandInput['Body']>,
  more: Partial<PutObjectCommandInput> = {},
): Promise<string | undefined> =>
  (await bench.client.send(new PutObjectCommand({ ...target(bench, name), Body, ...more }))).ETag;

const get = async (bench: Bench, name: string, range?: string): Promise<string> => {
  const more = range === undefined ? {} : { Range: range };
  const got = await bench.client.send(new GetObjectCommand({ ...target(bench, name), ...more }));
  return (await got.Body?.transformToString()) ?? '';
};

const begin = async (bench: Bench, name: string): Promise<string> => {
  const ChecksumAlgorithm = 'CRC32';
  const command = new CreateMultipartUploadCommand({ ...target(bench, name), ChecksumAlgorithm });
  return (await bench.client.send(command)).UploadId ?? '';
};

interface SentPart {
  PartNumber: number;
  ETag: string | undefined;
  ChecksumCRC32: string | undefined;
}

const send = async (
  bench: Bench,
  name: string,
  UploadId: string,
  PartNumber: number,
  Body: Uint8Array,
): Promise<SentPart> => {
  const { ETag, ChecksumCRC32 } = await bench.client.send(
    new UploadPartCommand({ ...target(bench, name), UploadId, PartNumber, Body }),
  );
  return { PartNumber, ETag, ChecksumCRC32 };
};

const complete = async (
  bench: Bench,
  name: string,
  UploadId: string,
  Parts: SentPart[],
  more: { IfNoneMatch?: string } = {},
): Promise<string | undefined> =>
  (
    await bench.client.send(
      new CompleteMultipartUploadCommand({
        ...target(bench, name),
        UploadId,
        MultipartUpload: { Parts },
        ...more,
      }),
    )
  ).ETag;

const abort = async (bench: Bench, name: string, UploadId: string): Promise<void> => {
  await bench.client.send(new AbortMultipartUploadCommand({ ...target(bench, name), UploadId }));
};

const starts = { 'in this process': startS3, 'in a process of its own': startS3Process };
for (const [where, start] of Object.entries(starts)) {
  describe(`the embedded S3 store, ${where}`, () => {
    const bench = {} as Bench;
    before(async () => {
      bench.place = await start();
      bench.client = s3Client(bench.place);
    });
    after(async () => {
      bench.client.destroy();
      await bench.place.stop();
    });

    it('gives back what was put, whole and in ranges', async () => {
      assert.equal(await put(bench, 'a', '0123456789'), `"${md5(Buffer.from('0123456789'))}"`);
      assert.equal(await get(bench, 'a'), '0123456789');
      assert.equal(await get(bench, 'a', 'bytes=0-0'), '0');
      assert.equal(await get(bench, 'a', 'bytes=3-5'), '345');
      assert.equal(await get(bench, 'a', 'bytes=8-100'), '89');
      assert.equal(await get(bench, 'a', 'bytes=7-'), '789');
      assert.equal(await get(bench, 'a', 'bytes=-2'), '89');
      await assert.rejects(get(bench, 'a', 'bytes=10-'), refused('InvalidRange'));
      await assert.rejects(get(bench, 'b'), refused('NoSuchKey'));
    });

    it('tells of an object without its body, its metadata too', async () => {
      await put(bench, 'told', 'four', { Metadata: { about: 'xbpipe' } });
      const told = await bench.client.send(new HeadObjectCommand(target(bench, 'told')));
      assert.deepEqual([told.ContentLength, told.Metadata], [4, { about: 'xbpipe' }]);
      const absent = bench.client.send(new HeadObjectCommand(target(bench, 'absent')));
      await assert.rejects(absent, refused('NotFound'));
    });

    it('keeps an empty object', async () => {
      await put(bench, 'empty', Buffer.alloc(0));
      assert.equal(await get(bench, 'empty'), '');
      await assert.rejects(get(bench, 'empty', 'bytes=0-'), refused('InvalidRange'));
    });

    it('takes the framing off a body whose checksum follows it', async () => {
      const pieces = [randomBytes(70_000), randomBytes(1), randomBytes(200_000)];
      const whole = Buffer.concat(pieces);
      const framed = { ContentLength: whole.length, ChecksumAlgorithm: 'CRC32' } as const;
      const ETag = await put(bench, 'framed', Readable.from(pieces), framed);
      assert.equal(ETag, `"${md5(whole)}"`);
    });

    it('lists keys in order, page by page, and rolls up common prefixes', async () => {
      const names = ['list/1', 'list/a-b', 'list/a.b', 'list/a/1', 'list/a/2', 'list/b'];
      for (const name of names.toReversed()) await put(bench, name, name);
      const { place, client } = bench;
      const input = { Bucket: place.bucket, Prefix: `${place.prefix}list/` };
      const shallow = { ...input, Delimiter: '/' };
      const [listed, sizes]: [string[], number[]] = [[], []];
      for await (const page of paginateListObjectsV2({ client, pageSize: 4 }, input)) {
        sizes.push(page.KeyCount ?? 0);
        for (const { Key } of page.Contents ?? []) listed.push(Key ?? '');
      }
      assert.deepEqual(
        listed,
        names.map((name) => place.prefix + name),
      );
      assert.deepEqual(sizes, [4, 2]);
      const rolled: string[] = [];
      for await (const page of paginateListObjectsV2({ client, pageSize: 1 }, shallow)) {
        for (const { Key } of page.Contents ?? []) rolled.push(Key ?? '');
        for (const { Prefix } of page.CommonPrefixes ?? []) rolled.push(Prefix ?? '');
      }
      assert.deepEqual(
        rolled.map((name) => name.slice(input.Prefix.length)),
        ['1', 'a-b', 'a.b', 'a/', 'b'],
      );
    });

    it('deletes many, those of digits and those that are not there too', async () => {
      const names = ['gone/00', 'gone/01', 'gone/deeper/x', 'gone/a & b <c>'];
      for (const name of names) await put(bench, name, name);
      const Objects = [...names, 'gone/never'].map((name) => ({ Key: target(bench, name).Key }));
      const { Deleted } = await bench.client.send(
        new DeleteObjectsCommand({ Bucket: bench.place.bucket, Delete: { Objects } }),
      );
      assert.equal(Deleted?.length, 5);
      assert.deepEqual(
        (await bench.place.keys()).filter((key) => key.startsWith('gone/')),
        [],
      );
    });

    it('makes an object of parts that came in parallel and out of order', async () => {
      const pieces = [5 * MiB, 5 * MiB + 1, 5 * MiB, 3].map((size) => randomBytes(size));
      const id = await begin(bench, 'parts');
      const parts = await Promise.all(
        pieces.map(async (piece, at) => await send(bench, 'parts', id, 4 * at + 1, piece)),
      );
      assert.deepEqual(await bench.place.openUploads(), [{ key: 'parts', uploadId: id }]);
      assert.equal((await bench.place.keys()).includes('parts'), false);
      const etag = await complete(bench, 'parts', id, parts);
      const sums = pieces.map((piece) => createHash('md5').update(piece).digest());
      assert.equal(etag, `"${md5(...sums)}-4"`);
      const got = await bench.client.send(new GetObjectCommand(target(bench, 'parts')));
      assert.equal(got.ETag, etag);
      const body = await got.Body?.transformToByteArray();
      assert.equal(md5(body ?? new Uint8Array()), md5(...pieces));
      assert.deepEqual(await bench.place.openUploads(), []);
    });

    it('lists the open uploads and their parts, page by page, and forgets what is aborted', async () => {
      const ids = [await begin(bench, 'open/b'), await begin(bench, 'open/a')];
      for (const number of [3, 1, 2]) {
        await send(bench, 'open/b', ids[0] ?? '', number, Buffer.alloc(number));
      }
      const { place, client } = bench;
      const of = { ...target(bench, 'open/b'), UploadId: ids[0], MaxParts: 2 };
      const page = await client.send(new ListPartsCommand(of));
      const last = await client.send(
        new ListPartsCommand({ ...of, PartNumberMarker: page.NextPartNumberMarker }),
      );
      const sizes = [...(page.Parts ?? []), ...(last.Parts ?? [])].map(({ Size }) => Size);
      assert.deepEqual([sizes, page.IsTruncated, last.IsTruncated], [[1, 2, 3], true, false]);
      const within = { Bucket: place.bucket, Prefix: `${place.prefix}open/`, MaxUploads: 1 };
      const first = await client.send(new ListMultipartUploadsCommand(within));
      const second = await client.send(
        new ListMultipartUploadsCommand({
          ...within,
          KeyMarker: first.NextKeyMarker,
          UploadIdMarker: first.NextUploadIdMarker,
        }),
      );
      const uploads = [...(first.Uploads ?? []), ...(second.Uploads ?? [])];
      assert.deepEqual(
        uploads.map(({ UploadId }) => UploadId),
        [ids[1], ids[0]],
      );
      await abort(bench, 'open/b', ids[0] ?? '');
      await abort(bench, 'open/a', ids[1] ?? '');
      assert.deepEqual(await place.openUploads(), []);
      const again = abort(bench, 'open/a', ids[1] ?? '');
      await assert.rejects(again, refused('NoSuchUpload'));
      const late = send(bench, 'open/b', ids[0] ?? '', 4, Buffer.alloc(1));
      await assert.rejects(late, refused('NoSuchUpload'));
    });

    it('writes and reads under conditions', async () => {
      const ETag = await put(bench, 'once', 'first', { IfNoneMatch: '*' });
      const failed = refused('PreconditionFailed');
      await assert.rejects(put(bench, 'once', 'second', { IfNoneMatch: '*' }), failed);
      await assert.rejects(put(bench, 'once', 'second', { IfMatch: '"0"' }), failed);
      const read = bench.client.send(
        new GetObjectCommand({ ...target(bench, 'once'), IfMatch: '"0"' }),
      );
      await assert.rejects(read, failed);
      const id = await begin(bench, 'once');
      const parts = [await send(bench, 'once', id, 1, Buffer.from('second'))];
      await assert.rejects(complete(bench, 'once', id, parts, { IfNoneMatch: '*' }), failed);
      await abort(bench, 'once', id);
      assert.equal(await get(bench, 'once'), 'first');
      await put(bench, 'once', 'third', { IfMatch: ETag });
      assert.equal(await get(bench, 'once'), 'third');
    });

    it('counts requests by operation', async (t) => {
      if (!bench.place.isEmbedded) {
        t.skip('nobody counts the requests of another store');
        return;
      }
      await bench.place.resetCounts();
      await put(bench, 'counted', 'x');
      await Promise.all([get(bench, 'counted'), get(bench, 'counted')]);
      await bench.client.send(new ListObjectsV2Command({ Bucket: bench.place.bucket }));
      assert.deepEqual(await bench.place.requestCounts(), {
        PutObject: 1,
        GetObject: 2,
        ListObjectsV2: 1,
      });
    });
  });
}

describe('the embedded S3 store refuses, with the words of S3,', () => {
  const bench = {} as Bench;
  before(async () => {
    bench.place = await startS3();
    bench.client = s3Client(bench.place);
  });
  after(async () => {
    bench.client.destroy();
    await bench.place.stop();
  });

  it('part numbers out of range', async () => {
    const id = await begin(bench, 'numbers');
    for (const number of [0, 10_001]) {
      const sent = send(bench, 'numbers', id, number, Buffer.alloc(1));
      await assert.rejects(sent, refused('InvalidArgument'));
    }
    await send(bench, 'numbers', id, 10_000, Buffer.alloc(1));
    await abort(bench, 'numbers', id);
  });

  it('parts that are too small, unknown, changed or out of order', async () => {
    const id = await begin(bench, 'refused');
    const parts = [
      await send(bench, 'refused', id, 1, Buffer.alloc(5 * MiB)),
      await send(bench, 'refused', id, 2, Buffer.alloc(5 * MiB - 1)),
      await send(bench, 'refused', id, 3, Buffer.alloc(5)),
    ] as const;
    const [first, small, last] = parts;
    const expect = async (listed: SentPart[], code: string): Promise<void> => {
      await assert.rejects(complete(bench, 'refused', id, listed), refused(code));
    };
    await expect([first, small, last], 'EntityTooSmall');
    await expect([small, first], 'InvalidPartOrder');
    await expect([first, first], 'InvalidPartOrder');
    await expect([first, { ...last, PartNumber: 4 }], 'InvalidPart');
    await expect([first, { ...last, ETag: first.ETag }], 'InvalidPart');
    await expect([first, { ...last, ChecksumCRC32: 'AAAAAA==' }], 'InvalidPart');
    await expect([first, { ...last, ChecksumCRC32: undefined }], 'InvalidRequest');
    await expect([], 'MalformedXML');
    // None of which has cost the upload.
    await complete(bench, 'refused', id, [first, last]);
    await assert.rejects(complete(bench, 'refused', id, [first, last]), refused('NoSuchUpload'));
  });

  it('what exceeds the limits that a test asks for', async (t) => {
    if (!bench.place.isEmbedded) {
      t.skip('another store has limits of its own');
      return;
    }
    const place = await startS3({ partBytesMin: 1, partNumberMax: 2, objectBytesMax: 10 });
    const small = { place, client: s3Client(place) };
    const id = await begin(small, 'small');
    const parts = [
      await send(small, 'small', id, 1, Buffer.alloc(5)),
      await send(small, 'small', id, 2, Buffer.alloc(6)),
    ];
    const third = send(small, 'small', id, 3, Buffer.alloc(1));
    await assert.rejects(third, refused('InvalidArgument'));
    await assert.rejects(complete(small, 'small', id, parts), refused('EntityTooLarge'));
    await complete(small, 'small', id, parts.slice(0, 1));
    small.client.destroy();
    await place.stop();
  });

  it('bodies that are not what the client says', async () => {
    const wrong = { ContentMD5: createHash('md5').update('other').digest('base64') };
    await assert.rejects(put(bench, 'wrong', 'body', wrong), refused('BadDigest'));
    const crc = { ChecksumCRC32: 'AAAAAA==' };
    await assert.rejects(put(bench, 'wrong', 'body', crc), refused('BadDigest'));
    await assert.rejects(
      put(bench, 'wrong', 'body', { ContentMD5: 'bm90IG9uZQ==' }),
      refused('InvalidDigest'),
    );
    assert.equal((await bench.place.keys()).includes('wrong'), false);
  });

  it('keys that it does not know, and requests without any', async () => {
    const { place } = bench;
    const environment = { ...place.environment, AWS_ACCESS_KEY_ID: 'UNKNOWN' };
    const client = s3Client({ endpoint: place.endpoint, environment });
    await assert.rejects(put({ place, client }, 'x', 'x'), refused('InvalidAccessKeyId'));
    client.destroy();
    const { status } = await fetch(`${place.endpoint}/${place.bucket}/x`);
    assert.equal(status, 403);
  });
});

describe('an S3 endpoint given by the environment', () => {
  const names = ['XBPIPE_TEST_S3_ENDPOINT', 'XBPIPE_TEST_S3_BUCKET'] as const;
  const skip = names.some((name) => process.env[name] !== undefined);

  it('is a place below a prefix of its own, of which nothing is left', { skip }, async () => {
    const store = await startS3();
    const whole = { place: store, client: s3Client(store) };
    await put(whole, 'before', 'x');
    Object.assign(process.env, store.environment, {
      XBPIPE_TEST_S3_ENDPOINT: store.endpoint,
      XBPIPE_TEST_S3_BUCKET: store.bucket,
    });
    const place = await startS3();
    for (const name of names) Reflect.deleteProperty(process.env, name);
    assert.equal(place.isEmbedded, false);
    assert.equal(place.endpoint, store.endpoint);
    const other = { place, client: s3Client(place) };
    await put(other, 'a/b', 'x');
    const uploadId = await begin(other, 'c');
    assert.deepEqual(await place.keys(), ['a/b']);
    assert.deepEqual(await place.openUploads(), [{ key: 'c', uploadId }]);
    await place.stop();
    const { Contents } = await whole.client.send(
      new ListObjectsV2Command({ Bucket: store.bucket }),
    );
    assert.deepEqual(
      Contents?.map(({ Key }) => Key),
      [target(whole, 'before').Key],
    );
    const left = new ListMultipartUploadsCommand({ Bucket: store.bucket });
    assert.equal((await whole.client.send(left)).Uploads, undefined);
    for (const { client } of [whole, other]) client.destroy();
    await store.stop();
  });
});
