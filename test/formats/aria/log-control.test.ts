import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { logControl, logFileName, readLogControl } from '../../../formats/aria/index.ts';
import { controlBytes } from './vectors.ts';

describe('aria_log_control', () => {
  it('names the last log file and the checkpoint', () => {
    const one = readLogControl(controlBytes('one-log'));
    assert.equal(one.lastLogNumber, 1);
    assert.equal(one.blockSize, 8192);
    assert.equal(one.checkpointLsn.file, 1);
    const two = readLogControl(controlBytes('two-logs'));
    assert.equal(two.lastLogNumber, 2);
    assert.equal(logFileName(two.lastLogNumber), 'aria_log.00000002');
  });

  it('is encoded to the bytes the server wrote', () => {
    for (const name of ['one-log', 'two-logs']) {
      const bytes = controlBytes(name);
      assert.equal(bytes.length, logControl.size);
      assert.deepEqual(Buffer.from(logControl.encode(logControl.decode(bytes))), bytes);
    }
  });

  it('is refused with any byte damaged', () => {
    for (let at = 0; at < logControl.size; at += 1) {
      const bytes = controlBytes('two-logs');
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
      assert.throws(() => readLogControl(bytes), { kind: 'invalid' }, `byte ${at}`);
    }
  });

  it('is truncated, not damaged, when bytes are missing', () => {
    for (let length = 0; length < logControl.size; length += 1) {
      const bytes = controlBytes('one-log').subarray(0, length);
      assert.throws(() => readLogControl(bytes), { kind: 'truncated' });
    }
  });
});
