import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { BackupError } from '../../src/errors.ts';
import { parentOf, parsePlace } from '../../src/store/place-url.ts';
import { keysOfXbcloud, placeOfXbcloud } from '../../src/store/s3/s3-environment.ts';

describe('where a backup is', () => {
  it('is a path, a file: URL or a place in a bucket', () => {
    assert.deepEqual(parsePlace('a/b'), { kind: 'file', path: 'a/b' });
    assert.deepEqual(parsePlace('file:///a%20b/c'), { kind: 'file', path: '/a b/c' });
    assert.deepEqual(parsePlace('file:a/b'), { kind: 'file', path: 'a/b' });
    assert.deepEqual(parsePlace('s3://b/p/n//'), { kind: 's3', bucket: 'b', path: 'p/n' });
    assert.deepEqual(parsePlace('s3://b'), { kind: 's3', bucket: 'b', path: '' });
  });

  it('is nothing else', () => {
    for (const url of [
      'gs://b/x',
      's3:/b/x',
      's3:///x',
      's3://b//x',
      's3://b/./x',
      's3://b/a/..',
    ]) {
      assert.throws(
        () => parsePlace(url),
        (error) => error instanceof BackupError && error.code === 'usage',
        url,
      );
    }
  });

  it('has a name in what holds it', () => {
    const of = (url: string): [string, string] => {
      const { parent, name } = parentOf(parsePlace(url));
      return [parent.path, name];
    };
    assert.deepEqual(of('s3://b/n'), ['', 'n']);
    assert.deepEqual(of('s3://b/p/q/n/'), ['p/q', 'n']);
    assert.deepEqual(of('n'), ['.', 'n']);
    assert.deepEqual(of('/n'), ['/', 'n']);
    assert.deepEqual(of('/a/n/'), ['/a', 'n']);
    const cwd = process.cwd();
    assert.deepEqual(of('.'), of(cwd));
    assert.throws(() => of('s3://b'), /does not end in the name of a backup/u);
  });
});

describe("xbcloud's variables", () => {
  it('name endpoint and region after those of everybody', () => {
    const env = { ENDPOINT: 'e', AWS_ENDPOINT: 'a', DEFAULT_REGION: 'd', AWS_REGION: 'r' };
    assert.deepEqual(placeOfXbcloud(env), { endpoint: 'a', region: 'r' });
    assert.deepEqual(placeOfXbcloud({ ENDPOINT: 'e', DEFAULT_REGION: 'd' }), {
      endpoint: 'e',
      region: 'd',
    });
  });

  it('give keys first with S3_ and last without a prefix', () => {
    const bare = { ACCESS_KEY_ID: 'i', SECRET_ACCESS_KEY: 's' };
    const prefixed = { S3_ACCESS_KEY_ID: 'I', S3_SECRET_ACCESS_KEY: 'S', S3_SESSION_TOKEN: 'T' };
    const keys = { accessKeyId: 'I', secretAccessKey: 'S', sessionToken: 'T' };
    assert.deepEqual(keysOfXbcloud({ ...bare, ...prefixed, AWS_ACCESS_KEY_ID: 'x' }), keys);
    assert.deepEqual(keysOfXbcloud(bare), { accessKeyId: 'i', secretAccessKey: 's' });
    assert.equal(keysOfXbcloud({ ...bare, AWS_PROFILE: 'p' }), undefined);
    assert.equal(keysOfXbcloud({ ACCESS_KEY_ID: 'i' }), undefined);
  });
});
