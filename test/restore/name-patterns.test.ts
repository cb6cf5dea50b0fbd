import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NamePatterns } from '../../src/restore/name-patterns.ts';
import { failureOf } from '../archive/support.ts';

const matches = (glob: string, path: string): boolean => new NamePatterns([glob]).match(path);

describe('a pattern of names', () => {
  it('is a name, or stands for many: * within a directory, ** across them, ? for one character', () => {
    const right: [string, string[]][] = [
      ['shop/orders.ibd', ['shop/orders.ibd']],
      ['./shop/orders.ibd', ['shop/orders.ibd']],
      ['shop/*', ['shop/orders.ibd', 'shop/.ibd', 'shop/t#p#p0.ibd']],
      ['*', ['ibdata1', 'xtrabackup_info']],
      ['**', ['ibdata1', 'shop/orders.ibd', 'a/b/c']],
      ['**/orders.ibd', ['orders.ibd', 'shop/orders.ibd', 'a/b/orders.ibd']],
      ['a/**/c', ['a/c', 'a/b/c', 'a/b/b/c']],
      ['sh**bd', ['shop/orders.ibd']],
      ['shop/order?.*', ['shop/orders.ibd', 'shop/orders.frm', 'shop/order😀.']],
      ['a(b)[c]{d}+$^|.\\', ['a(b)[c]{d}+$^|.\\']],
      ['line\n*', ['line\nend']],
    ];
    for (const [glob, paths] of right) {
      for (const path of paths) assert.ok(matches(glob, path), `${glob} ${path}`);
    }
    const wrong: [string, string[]][] = [
      ['shop/orders.ibd', ['shop/orders.ibd2', 'xshop/orders.ibd', 'shop/ordersXibd']],
      ['shop/*', ['shop', 'shop/a/b', 'shops/a', 'SHOP/a']],
      ['*', ['shop/orders.ibd']],
      ['?', ['', 'ab', '/']],
      ['**/orders.ibd', ['xorders.ibd', 'shop/orders.ibd/x']],
      ['a/**/c', ['a/bc', 'ac', 'x/a/c']],
      ['[ab]', ['a']],
      ['', ['a']],
    ];
    for (const [glob, paths] of wrong) {
      for (const path of paths) assert.ok(!matches(glob, path), `${glob} ${path}`);
    }
  });

  it('goes by the name that a file has in the end, whatever was done to the member', () => {
    for (const suffix of ['.zst', '.lz4', '.qp', '.xbcrypt', '.zst.xbcrypt']) {
      assert.ok(matches('shop/orders.ibd', `shop/orders.ibd${suffix}`), suffix);
      assert.ok(matches('**.ibd', `shop/orders.ibd${suffix}`), suffix);
      assert.ok(!matches('**.xbcrypt', `shop/orders.ibd${suffix}`), suffix);
    }
  });

  it('never means the records of an archive', () => {
    for (const path of ['xbpipe_begin.json', 'xbpipe_index.json.zst', 'xbpipe_end.json']) {
      assert.ok(!matches('**', path), path);
    }
  });

  it('is missed when nothing was found for it, and refused when that goes for all', async () => {
    const patterns = new NamePatterns(['a', 'b*', 'c']);
    const { code, message, hint } = await failureOf(() => {
      patterns.requireMatch();
    });
    assert.equal(code, 'usage');
    assert.equal(message, 'no file of the archive matches a or b* or c');
    assert.match(hint ?? '', /shop\/\*/);
    assert.ok(patterns.match('bee') && !patterns.match('d'));
    patterns.requireMatch();
    assert.deepEqual(patterns.missed, ['a', 'c']);
  });
});
