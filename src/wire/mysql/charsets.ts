/** Collation ids of those character sets in which a byte that looks like ASCII may be the second half of a character. */

/** [first, last] per character set; MariaDB's NO PAD twins of a collation lie 1024 above it. */
const unsafe: readonly (readonly [number, number])[] = [
  [1, 1], // big5
  [84, 84],
  [13, 13], // sjis
  [88, 88],
  [28, 28], // gbk
  [87, 87],
  [95, 96], // cp932
  [248, 250], // gb18030
];
const noPad = 1024;

/** False: a lexer over bytes can be fooled, a quote or backslash may be part of a character. */
export function asciiSafeCollation(id: number): boolean {
  const base = id >= noPad && id < 2 * noPad ? id - noPad : id;
  return !unsafe.some(([first, last]) => base >= first && base <= last);
}

const unsafeNames = new Set(['big5', 'sjis', 'gbk', 'cp932', 'gb18030']);

/** As asciiSafeCollation, for a name as in SET NAMES, session tracking or character_set_client; case does not matter. */
export function asciiSafeCharset(name: string): boolean {
  return !unsafeNames.has(name.toLowerCase());
}
