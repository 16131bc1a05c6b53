import { BSON } from 'mongodb';
import { expect, it } from 'vitest';
import { pageFileBytes, pageFileOf } from '../../core/indexing/write-page.ts';

it('counts the bytes of a file on a page as BSON does', () => {
  const mtimeNs = 1_790_000_000_000_000_000n;
  const facts = { size: 2 ** 40, mtimeNs, fingerprint: `${2 ** 40}-${mtimeNs}-${mtimeNs}` };
  const names = [
    { path: '/photos/a.jpg' },
    { path: `/照片/${'长'.repeat(80)}.jpg` },
    { path: '/caf\\xe9/😀.jpg', bytes: Buffer.from('/caf\xe9/a.jpg', 'latin1') },
  ];
  const files = Array.from({ length: 4096 }, (_, n) => ({ ...(names[n % 3] as (typeof names)[0]), ...facts }));

  const counted = files.reduce((sum, file) => sum + pageFileBytes(file), 0);
  const stored = BSON.calculateObjectSize({ files: files.map((file) => pageFileOf(file, file, true)) });

  expect(counted).toBeGreaterThanOrEqual(stored);
  // Bytes of a name without any, and of shorter indexes.
  expect(counted - stored).toBeLessThan(4096 * 20);
});
