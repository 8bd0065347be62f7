/**
 * Words that mean something to the classifier, found by the hash that the lexer computes while it scans a word, so that
 * no string is made for them. Serves step 4 of the flow (text -> shape).
 *
 * The table is a superset for all dialects: a word counts as reserved when PostgreSQL 18 reserves it for columns or
 * tables (kwlist.h, categories RESERVED and TYPE_FUNC_NAME).
 */

/** reserved: never a bare column, table or alias. */
const reserved = 1;
/** Followed by `(` it is syntax, not a function call. */
const syntax = 2;
/** Called without parentheses. */
const bareCall = 4;
/** MySQL, MariaDB: never a bare alias, although PG would take it for one. */
const mysqlReserved = 8;
/** Called without parentheses, MySQL and MariaDB only. */
const mysqlBareCall = 16;
/** MySQL, MariaDB: an operator, so that `(` behind it does not make it a call. */
const mysqlOperator = 32;

/** `word` or `word:flags`; r reserved, s syntax in front of `(`, c called without parentheses; m, u and o for MySQL. */
const words = `
select:rs from:rs where:rs group:rs having:rs window:rs union:rs intersect:rs except:rs order:rs limit:rs offset:rs
fetch:rs for:rs into:rs on:rs using:rs and:rs or:rs not:rs in:rs any:rs some:rs all:rs as:rs distinct:rs case:rs
when:rs then:rs else:rs end:r is:rs null:r true:r false:r default:r array:rs cast:rs only:rs lateral:rs with:rs
returning:rs table:rs to:rs do:r desc:r asc:r both:r leading:rs trailing:r placing:r symmetric:rs asymmetric:rs
collate:r column:r constraint:r create:r check:r deferrable:r initially:r foreign:r primary:r unique:r references:r
grant:r variadic:rs analyze:r analyse:r authorization:r binary:r collation:r concurrently:r freeze:r verbose:r
inner:r left:r right:r full:r outer:r cross:r natural:r join:rs like:rs ilike:rs similar:r isnull:r notnull:r
overlaps:rs tablesample:r current_catalog:rc current_date:rc current_role:rc current_time:rc current_timestamp:rc
current_user:rc localtime:rc localtimestamp:rc session_user:rc system_user:rc user:rc current_schema:rc
exists:s row:s between:s values:s interval:s varying:s over filter escape:s
insert update delete merge share key:m no begin start commit abort rollback savepoint release prepare prepared
set reset show deallocate constraints transaction work chain session local characteristics execute declare close
move call explain copy lock:m listen notify unlisten truncate alter drop discard vacuum replace use:m load
at time:s zone:s by:s rows within ordinality conflict nothing overriding system value offline
ignore:m low_priority:m high_priority:m delayed:m quick duplicate straight_join:m xor:mo div:mo regexp:mo rlike:mo
mode partition:m force:m index:m keys:m procedure:m mod:m distinctrow:m sql_calc_found_rows:m sql_no_cache:m
sql_cache sql_small_result:m sql_big_result:m sql_buffer_result utc_date:mu utc_time:mu utc_timestamp:mu
current of isolation level read write committed uncommitted repeatable serializable unknown
`;

const flagOf: Record<string, number> = {
  r: reserved,
  s: syntax,
  c: bareCall,
  m: mysqlReserved,
  u: mysqlBareCall,
  o: mysqlOperator,
};

/** Index 0 means: not a keyword. */
const names: string[] = [''];
const flagsOf: number[] = [0];
for (const entry of words.trim().split(/\s+/)) {
  const [word = '', letters = ''] = entry.split(':');
  names.push(word);
  flagsOf.push(Array.from(letters).reduce((sum, letter) => sum | (flagOf[letter] ?? 0), 0));
}

// ids index byte tables elsewhere
if (names.length > 256) throw new Error('too many keywords');

const flagTable = Uint8Array.from(flagsOf);

/** Ids by name, for the classifier's comparisons: `keyword.select`. */
const ids = Object.fromEntries(names.map((name, id) => [name, id]));

/** Id of a keyword; throws at load time when the table does not have it. */
export function keywordId(word: string): number {
  const id = ids[word];
  if (id === undefined) throw new Error(`unknown keyword ${word}`);
  return id;
}

export function keywordName(id: number): string {
  return names[id] ?? '';
}

export function isReserved(id: number): boolean {
  return ((flagTable[id] as number) & reserved) !== 0;
}

/** MySQL, MariaDB: reserved, or read as something else than an alias. */
export function isReservedInMysql(id: number): boolean {
  return ((flagTable[id] as number) & (reserved | mysqlReserved)) !== 0;
}

export function isMysqlOperator(id: number): boolean {
  return ((flagTable[id] as number) & mysqlOperator) !== 0;
}

export function isSyntax(id: number): boolean {
  return ((flagTable[id] as number) & syntax) !== 0;
}

export function isBareCall(id: number): boolean {
  return ((flagTable[id] as number) & bareCall) !== 0;
}

/** MySQL, MariaDB: called without parentheses there, but not on PG. */
export function isMysqlBareCall(id: number): boolean {
  return ((flagTable[id] as number) & mysqlBareCall) !== 0;
}

/** One step of the word hash; upper and lower case of a letter give the same. */
export function hashStep(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + (byte | 0x20)) | 0;
}

const slots = 1024;
const slotOf = (hash: number): number => (hash ^ (hash >>> 11)) & (slots - 1);
const table = new Uint16Array(slots);
const hashes = new Int32Array(names.length);
const letters = names.map((name) => Buffer.from(name, 'latin1'));
for (let id = 1; id < names.length; id++) {
  let hash = 0;
  for (const byte of letters[id] as Buffer) hash = hashStep(hash, byte);
  hashes[id] = hash;
  let slot = slotOf(hash);
  while (table[slot] !== 0) slot = (slot + 1) & (slots - 1);
  table[slot] = id;
}

/** Keyword id of the word at [start, end) whose hash is known, or 0. */
export function findKeyword(text: Uint8Array, start: number, end: number, hash: number): number {
  for (let slot = slotOf(hash); ; slot = (slot + 1) & (slots - 1)) {
    const id = table[slot] as number;
    if (id === 0) return 0;
    if (hashes[id] === hash && sameWord(text, start, end, letters[id] as Uint8Array)) return id;
  }
}

function sameWord(text: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (word.length !== end - start) return false;
  for (let i = 0; i < word.length; i++) {
    const byte = text[start + i] as number;
    const lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (lower !== word[i]) return false;
  }
  return true;
}
