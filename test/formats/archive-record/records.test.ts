import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  decodeBegin,
  decodeEnd,
  decodeIndex,
  decodeManifest,
  decodeSystemFiles,
  encodeBegin,
  encodeEnd,
  encodeIndex,
  encodeManifest,
  encodeSystemFiles,
  endBytes,
  indexBytesMax,
  pagesBytesMax,
} from '../../../formats/archive-record/index.ts';
import { FormatError } from '../../../formats/format-error.ts';
import { text } from '../xbstream/support.ts';
import { asObject, begin, end, entry, manifest, systemFiles } from './samples.ts';

const show = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const indexOf = (...members: object[]): Uint8Array =>
  text(byLine({ format: 1, backupId: 'id', members }));

/** An object as JSON with one member a line, where it has members. */
function byLine(fields: Record<string, unknown>): string {
  const { members, ...rest } = fields;
  if (!Array.isArray(members)) return `${JSON.stringify(fields)}\n`;
  const head = JSON.stringify({ ...rest, members: [] }).slice(0, -2);
  return [head, members.map((member) => JSON.stringify(member)).join(',\n'), ']}\n']
    .filter((line) => line !== '')
    .join('\n');
}

/** The message of the FormatError that `run` throws, with the field in front. */
function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof FormatError);
    assert.equal(error.kind, 'invalid');
    assert.ok(error.message.startsWith(error.field));
    return error.message;
  }
  return assert.fail('it was accepted');
}

interface Kind {
  name: string;
  bytes: Uint8Array;
  decode: (bytes: Uint8Array) => unknown;
  /** Fields that may be missing. */
  may: string[];
}

const kinds: Kind[] = [
  {
    name: 'xbpipe_begin.json',
    bytes: encodeBegin(begin),
    decode: decodeBegin,
    may: [
      'parentId',
      'sinceLsn',
      'serverId',
      'redoBegan',
      'restoredFrom',
      'restoredAt',
      'pageTracking',
      'compression',
      'encryption',
      'keyCheck',
      'digests',
    ],
  },
  {
    name: 'xbpipe_index.json',
    bytes: Buffer.concat([...encodeIndex('id', [entry])]),
    decode: decodeIndex,
    may: [],
  },
  { name: 'xbpipe_end.json', bytes: encodeEnd(end), decode: decodeEnd, may: ['hmac'] },
  {
    name: 'manifest.json',
    bytes: encodeManifest(manifest),
    decode: decodeManifest,
    may: ['parentId', 'sinceLsn', 'binlog', 'compression', 'encryption', 'index'],
  },
  {
    name: 'xbpipe_system_files.json',
    bytes: encodeSystemFiles(systemFiles),
    decode: decodeSystemFiles,
    may: [],
  },
];

const padded = (name: string, json: string): Uint8Array =>
  text(name === 'xbpipe_end.json' ? json.padEnd(endBytes - 1) + '\n' : json);

const rendered = (name: string, fields: Record<string, unknown>): Uint8Array =>
  name === 'xbpipe_index.json' ? text(byLine(fields)) : padded(name, JSON.stringify(fields));

for (const { name, bytes, decode, may } of kinds) {
  const fields = asObject(bytes);
  const decodeWith = (change: Record<string, unknown>): unknown =>
    decode(rendered(name, { ...fields, ...change }));

  describe(name, () => {
    it('names the field that is missing', () => {
      for (const field of Object.keys(fields)) {
        if (may.includes(field)) continue;
        const message = refusal(() => decodeWith({ [field]: undefined }));
        assert.match(message, new RegExp(`^${name} > ${field} at byte 0: \\w+ wanted$`));
      }
    });

    it('takes the fields that may be missing for absent, as it does null', () => {
      for (const field of may) {
        const missing = decodeWith({ [field]: undefined });
        assert.deepEqual(decodeWith({ [field]: null }), missing, field);
        assert.notDeepEqual(missing, decode(bytes), field);
      }
    });

    it('names the field that is of another type', () => {
      for (const [field, value] of Object.entries(fields)) {
        const wrong = typeof value === 'string' ? 5 : 'text';
        assert.match(
          refusal(() => decodeWith({ [field]: wrong })),
          new RegExp(`> ${field} at`),
        );
      }
    });

    it('refuses numbers that are negative, broken or beyond what is exact', () => {
      for (const [field, value] of Object.entries(fields)) {
        if (typeof value !== 'number') continue;
        for (const wrong of [-1, 0.5, 2 ** 53, 1e300]) {
          const message = refusal(() => decodeWith({ [field]: wrong }));
          assert.match(message, new RegExp(`> ${field} at byte 0: whole number >= 0 wanted`));
        }
      }
    });

    it('refuses another format and says which it knows', () => {
      const message = refusal(() => decodeWith({ format: 2 }));
      assert.equal(
        message,
        `${name} > format at byte 0: 2 is not known to this version, which reads 1`,
      );
    });

    it('passes over fields that it does not know', () => {
      assert.deepEqual(decodeWith({ later: { than: 'this' } }), decode(bytes));
    });

    it('refuses what is no JSON object', () => {
      for (const json of ['', '{', 'null', '[]', '"text"', '1', `${show(bytes)},`]) {
        const message = refusal(() => decode(padded(name, json)));
        assert.match(message, /not JSON|not a JSON object|bytes instead of 1024/);
      }
    });

    it('ends in a line feed', () => {
      assert.equal(bytes.at(-1), 0x0a);
    });
  });
}

describe('begin record', () => {
  const { backupId, tool, flavour, serverVersion, pageSize, redoStart, startedAt } = begin;
  const plain = { backupId, tool, flavour, serverVersion, pageSize, redoStart, startedAt };

  it('comes back as it was written, with and without what may be absent', () => {
    assert.deepEqual(decodeBegin(encodeBegin(begin)), begin);
    const full = { parentId: undefined, sinceLsn: undefined };
    const past = { redoBegan: undefined, restoredFrom: undefined, restoredAt: undefined };
    const server = { ...past, serverId: undefined, pageTracking: undefined };
    const absent = { ...full, ...server, compression: undefined };
    const noKey = { encryption: undefined, keyCheck: undefined };
    const without = { ...plain, digests: false };
    assert.deepEqual(decodeBegin(encodeBegin(without)), { ...without, ...absent, ...noKey });
  });

  it('is this text', () => {
    const common =
      '{"format":1,"backupId":"6f1c4d5e-2f0b-4a8e-9a53-0d6a4c1f7b21","tool":"xbpipe 0.1.0",' +
      '"flavour":"mariadb","serverVersion":"10.11.19-MariaDB-log","pageSize":16384,' +
      '"redoStart":46000,"startedAt":"2026-11-21T02:43:08.000Z",';
    assert.equal(
      show(encodeBegin({ ...plain, digests: false })),
      `${common}"parentId":null,"sinceLsn":null,"serverId":null,"redoBegan":null,"restoredFrom":null,"restoredAt":null,"pageTracking":null,"compression":null,"encryption":null,"keyCheck":null,"digests":false}\n`,
    );
    assert.equal(
      show(encodeBegin(begin)),
      `${common}"parentId":"00000000-0000-4000-8000-000000000000","sinceLsn":45000,` +
        '"serverId":"WO1CIQABMsXaMsxRyeUrqvfEMEk=","redoBegan":12288,' +
        '"restoredFrom":"11111111-0000-4000-8000-000000000000","restoredAt":"2026-11-20T12:00:00.000Z","pageTracking":' +
        '{"startLsn":46100,"serverStarted":1795000000,"newestTableId":1060,"newestIndexId":170},"compression":"zstd",' +
        '"encryption":"AES256","keyCheck":"0123456789abcdef0123456789abcdef","digests":true}\n',
    );
  });

  it('refuses a flavour it does not know', () => {
    const json = show(encodeBegin(begin)).replace('"mariadb"', '"oracle"');
    assert.match(
      refusal(() => decodeBegin(text(json))),
      /flavour at byte 0: "oracle" is not known/,
    );
  });
});

describe('index', () => {
  const absent = {
    spaceId: undefined,
    pageSize: undefined,
    plainSize: undefined,
    digests: undefined,
  };

  it('comes back as it was written', () => {
    const plain = { path: 'a "b"\n\u0001ü', size: 0, chunks: [] };
    const { backupId, members } = decodeIndex(
      Buffer.concat([...encodeIndex('id', [entry, plain])]),
    );
    assert.equal(backupId, 'id');
    assert.deepEqual(members, [entry, { ...plain, ...absent }]);
    assert.deepEqual(decodeIndex(Buffer.concat([...encodeIndex('id', [])])).members, []);
  });

  it('is this text, one member a line', () => {
    const plain = { path: 'b', size: 0, chunks: [] };
    assert.equal(
      show(Buffer.concat([...encodeIndex('id', [entry, plain])])),
      '{"format":1,"backupId":"id","members":[\n' +
        '{"path":"db/t.ibd","chunkPath":"./db/old.ibd","spaceId":5,"pageSize":16384,"size":12,"plainSize":40,' +
        '"delta":{"fileSize":65536,"chunkPages":128,"pages":"1+2"},' +
        '"chunks":[500,8,0,4294967295,600,4,8,0],"headers":[47,99],' +
        `"digests":["${'01'.repeat(32)}","${'23'.repeat(32)}"]},\n` +
        '{"path":"b","size":0,"chunks":[]}\n' +
        ']}\n',
    );
  });

  it('is refused unless it has exactly these lines', () => {
    const sound = show(Buffer.concat([...encodeIndex('id', [entry, entry])]));
    const [head = '', first = '', second = ''] = sound.split('\n');
    const none = show(Buffer.concat([...encodeIndex('id', [])]));
    for (const wrong of [
      sound.replaceAll('\n', ''),
      sound.slice(0, -1),
      `${sound}\n`,
      `${sound} `,
      `\n${sound}`,
      sound.replace('\n', '\n\n'),
      sound.replace(',\n', '\n'),
      sound.replace(',\n', '\n,'),
      sound.replace(',\n', ','),
      `${head}\n${first}\n]}\n`,
      `${head}\n${first}\n${second}\n`,
      `${head}\n${second}\n${second}\n]}\n`,
      `${head}\n${second}\n],"more":1}\n`,
      `${head}${second}\n]}\n`,
      none.replace('\n', ''),
      `${none}${none}`,
      none.replace('[', '[1'),
    ]) {
      assert.match(
        refusal(() => decodeIndex(text(wrong))),
        /not JSON( with one member a line)?$/,
        wrong,
      );
    }
  });

  it('is refused when it is cut at any byte', () => {
    const sound = Buffer.concat([...encodeIndex('id', [entry, entry])]);
    for (let length = 0; length < sound.length; length += 1) {
      refusal(() => decodeIndex(sound.subarray(0, length)));
    }
  });

  it('names member and field of what is wrong in it', () => {
    const { path: _, ...nameless } = entry;
    const wrong: [object, RegExp][] = [
      [nameless, /members\[1\] > path at byte 0: string wanted/],
      [{ ...entry, size: -1 }, /members\[1\] > size at byte 0: whole number/],
      [{ ...entry, spaceId: 'x' }, /members\[1\] > spaceId at byte 0: number wanted/],
      [{ ...entry, pageSize: 0.5 }, /members\[1\] > pageSize at byte 0: whole number/],
      [{ ...entry, chunks: {} }, /members\[1\] > chunks at byte 0: array wanted/],
      [{ ...entry, chunks: [1, 2, 3] }, /members\[1\] > chunks at byte 0: four whole numbers/],
      [{ ...entry, chunks: [1, 2, 3, -4] }, /members\[1\] > chunks at byte 0: four whole numbers/],
      [{ ...entry, chunks: [1, 2, 3, '4'] }, /members\[1\] > chunks at byte 0: four whole numbers/],
      [{ ...entry, plainSize: '40' }, /members\[1\] > plainSize at byte 0: number wanted/],
      [{ ...entry, plainSize: -1 }, /members\[1\] > plainSize at byte 0: whole number/],
      [{ ...entry, delta: 5 }, /members\[1\] > delta at byte 0: not a JSON object/],
      [{ ...entry, delta: {} }, /members\[1\] > delta > fileSize at byte 0: number wanted/],
      [{ ...entry, delta: { fileSize: 1, chunkPages: -1 } }, /delta > chunkPages at byte 0: whole/],
      [
        { ...entry, delta: { fileSize: 1, chunkPages: 1, pages: 5 } },
        /members\[1\] > delta > pages at byte 0: string wanted/,
      ],
      [{ ...entry, chunkPath: 5 }, /members\[1\] > chunkPath at byte 0: string wanted/],
      [{ ...entry, headers: {} }, /members\[1\] > headers at byte 0: array wanted/],
      [{ ...entry, headers: [47] }, /members\[1\] > headers at byte 0: a whole number a chunk/],
      [{ ...entry, headers: [47, -1] }, /members\[1\] > headers at byte 0: a whole number a ch/],
      [{ ...entry, headers: [47, '9'] }, /members\[1\] > headers at byte 0: a whole number a c/],
      [{ ...entry, digests: 'ab' }, /members\[1\] > digests at byte 0: array wanted/],
      [{ ...entry, digests: null }, /members\[1\] > digests at byte 0: array wanted/],
      [[], /members\[1\] at byte 0: not a JSON object/],
    ];
    for (const [member, message] of wrong) {
      assert.match(
        refusal(() => decodeIndex(indexOf(entry, member))),
        message,
      );
    }
  });

  it('has as many digests as chunks, each the hex of 32 bytes in lower case', () => {
    const [first = '', second = ''] = entry.digests ?? [];
    const wrong = [
      [],
      [first],
      [first, second, second],
      [first, second.slice(1)],
      [first, `${second}0`],
      [first, 'AB'.repeat(32)],
      [first, 'xy'.repeat(32)],
      [first, 5],
      [first, null],
    ];
    for (const digests of wrong) {
      assert.match(
        refusal(() => decodeIndex(indexOf(entry, { ...entry, digests }))),
        /members\[1\] > digests at byte 0: a SHA-256 a chunk wanted/,
      );
    }
    const empty = { ...entry, size: 0, chunks: [], headers: [], digests: [] };
    assert.deepEqual(decodeIndex(indexOf(empty)).members, [empty]);
  });

  it('is never longer than its limit, whatever the names and numbers', () => {
    const path = '\u0001'.repeat(511);
    const big = Number.MAX_SAFE_INTEGER;
    for (const [members, chunks] of [
      [1, 0],
      [1, 1],
      [3, 100],
      [0, 0],
    ] as const) {
      // prettier-ignore
      const numbers = Array.from({ length: chunks }, () => [big, big, big, 0xffff_ffff]).flat();
      const digests = Array.from({ length: chunks }, () => 'ab'.repeat(32));
      const place = { path, spaceId: 0xffff_ffff, pageSize: 65536, size: big, plainSize: big };
      const pages = 'z'.repeat(chunks * pagesBytesMax);
      const delta = { fileSize: big, chunkPages: big, pages };
      const worst = { ...place, delta, chunks: numbers, digests };
      const all = Array.from({ length: members }, () => worst);
      const length = Buffer.concat([...encodeIndex('i'.repeat(36), all)]).length;
      assert.ok(length <= indexBytesMax(members, members * chunks), `${members} ${chunks}`);
    }
  });
});

describe('end record', () => {
  it('comes back as it was written and always has the same length', () => {
    assert.deepEqual(decodeEnd(encodeEnd(end)), end);
    const big = Number.MAX_SAFE_INTEGER;
    const places = { indexOffset: big, indexLength: big, members: big, endOffset: big };
    const largest = { ...end, ...places, payloadBytes: big };
    const { hmac: _, ...unsealed } = end;
    assert.deepEqual(decodeEnd(encodeEnd(unsealed)), { ...unsealed, hmac: undefined });
    for (const record of [end, largest, unsealed]) assert.equal(encodeEnd(record).length, endBytes);
  });

  it('is this text, padded with blanks', () => {
    assert.equal(
      show(encodeEnd(end)).replace(/ {500,}/, '...'),
      '{"format":1,"backupId":"6f1c4d5e-2f0b-4a8e-9a53-0d6a4c1f7b21","indexOffset":1000,' +
        `"indexLength":200,"indexSha256":"${'ab'.repeat(32)}","members":2,"payloadBytes":300,` +
        `"endOffset":1300,"chunksSha256":"${'cd'.repeat(32)}","hmac":"${'ef'.repeat(32)}"}...\n`,
    );
  });

  it('is the same text in whatever order its fields were named', () => {
    const turned = Object.fromEntries(Object.entries(end).toReversed()) as unknown as typeof end;
    assert.notDeepEqual(Object.keys(turned), Object.keys(end));
    assert.deepEqual(encodeEnd(turned), encodeEnd(end));
  });

  it('is refused when it is not as long as it always is', () => {
    const bytes = encodeEnd(end);
    assert.match(
      refusal(() => decodeEnd(bytes.subarray(1))),
      /1023 bytes instead of 1024/,
    );
    assert.match(
      refusal(() => decodeEnd(Buffer.concat([bytes, bytes]))),
      /2048 bytes instead/,
    );
  });

  it('is not written when it does not fit', () => {
    const backupId = 'x'.repeat(1024);
    assert.match(
      refusal(() => encodeEnd({ ...end, backupId })),
      /bytes do not fit 1024/,
    );
  });
});

describe('manifest', () => {
  it('comes back as it was written', () => {
    assert.deepEqual(decodeManifest(encodeManifest(manifest)), manifest);
  });

  it('names an archive beside the backup only where the index is its own object', () => {
    const objects = [{ name: '../full.xbs', size: 1 }];
    const imported = { ...manifest, objects };
    assert.deepEqual(decodeManifest(encodeManifest(imported)), imported);
    const own = encodeManifest({ ...imported, index: undefined });
    assert.match(
      refusal(() => decodeManifest(own)),
      /objects\[0\] at byte 0: "\.\.\/full\.xbs" is not a name/,
    );
    for (const name of ['../../x', '../..', '../', '/x', 'a/b', '..']) {
      const forged = encodeManifest({ ...manifest, objects: [{ name, size: 1 }] });
      assert.match(
        refusal(() => decodeManifest(forged)),
        /is not a name/,
        name,
      );
    }
  });

  it('names object and field of what is wrong in it', () => {
    const json = show(encodeManifest(manifest)).replace('"size": 2400', '"size": "2400"');
    const message = /objects\[0\] > size at byte 0: number wanted/;
    assert.match(
      refusal(() => decodeManifest(text(json))),
      message,
    );
  });
});

describe('sizes of the system tablespace', () => {
  it('come back as they were written', () => {
    assert.deepEqual(decodeSystemFiles(encodeSystemFiles(systemFiles)), systemFiles);
    assert.equal(
      show(encodeSystemFiles(systemFiles.slice(0, 1))),
      '{"format":1,"files":[{"name":"ibdata1","size":12582912}]}\n',
    );
  });

  it('are of files in the backup, and not of too many', () => {
    for (const name of ['', '.', '..', '../ibdata1', '/etc/passwd', 'mysql/ibdata1', '.hidden']) {
      const bytes = encodeSystemFiles([{ name, size: 1 }]);
      assert.match(
        refusal(() => decodeSystemFiles(bytes)),
        /files\[0\] > name at byte 0: ".*" is no file name/,
      );
    }
    const many = encodeSystemFiles(Array.from({ length: 1001 }, () => ({ name: 'a', size: 1 })));
    assert.match(
      refusal(() => decodeSystemFiles(many)),
      /1001 entries, more than 1000/,
    );
  });
});
