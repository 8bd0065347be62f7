/** The guard's key is agreed between processes and versions: these values may not change. */
import { expect, test } from 'vitest';
import { guardClassId, guardKey, guardKeyMysql, hash32 } from '../../../src/patterns/guard.ts';

test('pinned', () => {
  expect(guardClassId).toBe(1_229_734_731);
  expect(guardKey('shop', 'public', 'cart_item')).toEqual({
    classId: 1_229_734_731,
    key: hash32('shop\0public\0cart_item'),
    name: 'shop.public.cart_item',
  });
  expect([hash32(''), hash32('a'), hash32('shop\0public\0cart_item')]).toMatchInlineSnapshot(`
    [
      -1421968373,
      444641715,
      -2092586717,
    ]
  `);
});

test('a signed int4, and different for neighbours', () => {
  const keys = new Set<number>();
  for (let i = 0; i < 20_000; i++) {
    const { key } = guardKey('shop', 'public', `table_${i}`);
    expect(key).toBe(key | 0);
    keys.add(key);
  }
  expect(keys.size).toBeGreaterThan(19_990);
});

test('the parts cannot run into each other', () => {
  expect(guardKey('a', 'b', 'c').key).not.toBe(guardKey('a', 'bc', '').key);
  expect(guardKey('ab', '', 'c').key).not.toBe(guardKey('a', 'b', 'c').key);
});

test('MySQL: pinned, at most 64 characters, and none that a lock name may not have', () => {
  expect(guardKeyMysql('shop', 'cart_item').name).toMatchInlineSnapshot(`"interlock:0a4ff66924ecbdb6"`);
  expect(guardKeyMysql('', '').name).toMatchInlineSnapshot(`"interlock:0578ab1bcdd500ab"`);
  expect(guardKeyMysql('x'.repeat(64), 'y'.repeat(64)).name).toMatch(/^interlock:[0-9a-f]{16}$/);
});

test('MySQL: the parts cannot run into each other, neighbours differ', () => {
  const names = new Set(['a\0b', 'ab', 'b\0a'].map((text) => guardKeyMysql(text, '').name));
  names.add(guardKeyMysql('a', 'b').name).add(guardKeyMysql('', 'ab').name);
  for (let i = 0; i < 20_000; i++) names.add(guardKeyMysql('shop', `table_${i}`).name);
  expect(names.size).toBeGreaterThanOrEqual(20_004);
});
