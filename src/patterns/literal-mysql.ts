/** MySQL, MariaDB: a key's value as a constant in a text of ours. Step 7 of the flow. */
import { familyOf, keyOfText } from '../memory/keys.ts';

/** Reads the same in every charset and sql_mode. */
const plainText = /^[0-9A-Za-z_.-]{1,64}$/;

/** @param key as the server gave it, in text form, bytes as latin1. @returns undefined: not of a type or form that is written out */
export function literalOf(type: number, key: string): string | undefined {
  const family = familyOf(type);
  switch (family) {
    case 'integer':
    case 'numeric':
      return keyOfText(family, key);
    case 'bytes':
      return `X'${Buffer.from(key, 'latin1').toString('hex')}'`;
    case 'text':
      return plainText.test(key) ? `'${key}'` : undefined;
    default:
      return undefined;
  }
}
