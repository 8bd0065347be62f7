/** The lexing traps of three dialects, one by one. */
import { describe, expect, it } from 'vitest';
import { classify } from '../../../src/sql/classify.ts';
import { lex } from '../../../src/sql/lexer.ts';
import { defaultSqlLimits } from '../../../src/sql/limits.ts';
import { flavour, T, Tokens } from '../../../src/sql/tokens.ts';
import { bytes, mysql, postgres, settingsOf, tokensOf } from './support.ts';

const ansi = { ...mysql, ansiQuotes: true };
const noEscapes = { ...mysql, noBackslashEscapes: true };
const oldStrings = { ...postgres, standardConformingStrings: false };

function lexed(text: string, settings = postgres): Tokens {
  const tokens = new Tokens();
  lex(bytes(text), settings, tokens);
  return tokens;
}

describe('strings', () => {
  it.each([
    ["'it''s'", ["String:'it''s'"]],
    ["'a' 'b'", ["String:'a'", "String:'b'"]],
    ["'a'\n'b'", ["String:'a'\n'b'"]],
    ["'a' -- c\n 'b'", ["String:'a' -- c\n 'b'"]],
    ["E'a'\n'b\\'c'", ["String:E'a'\n'b\\'c'"]],
    ["'a\\'", ["String:'a\\'"]],
    ["E'a\\'b'", ["String:E'a\\'b'"]],
    ["e'\\\\'", ["String:e'\\\\'"]],
    ["U&'d\\0061'", ["String:U&'d\\0061'"]],
    ["N'x'", ["String:N'x'"]],
    ["B'01' X'1f'", ["String:B'01'", "String:X'1f'"]],
    ["name'x'", ['Word:name', "String:'x'"]],
    ["';'", ["String:';'"]],
    ['$$it\'s "x" ; --$$', ['String:$$it\'s "x" ; --$$']],
    ['$a$ $$ $b$ $a$', ['String:$a$ $$ $b$ $a$']],
    ['$1', ['Parameter:$1']],
    ['a$1', ['Word:a$1']],
    ['a$b$c', ['Word:a$b$c']],
    ["'é'", ["String:'\xc3\xa9'"]],
  ])('PG reads %s', (text, expected) => {
    expect(tokensOf(text)).toEqual(expected);
  });

  it('PG: backslash escapes in plain strings without standard_conforming_strings', () => {
    expect(tokensOf("'a\\'b'", oldStrings)).toEqual(["String:'a\\'b'"]);
    expect(tokensOf("'a\\'b'", postgres)[0]).toBe('LEXICAL');
  });

  it('MySQL: backslash by NO_BACKSLASH_ESCAPES, double quotes by ANSI_QUOTES', () => {
    expect(tokensOf("'a\\'b'", mysql)).toEqual(["String:'a\\'b'"]);
    expect(tokensOf("'a\\' x", noEscapes)).toEqual(["String:'a\\'", 'Word:x']);
    expect(tokensOf('"a""b"', mysql)).toEqual(['String:"a""b"']);
    expect(tokensOf('"a""b"', ansi)).toEqual(['Quoted:"a""b"']);
    expect(tokensOf("_utf8'x' N'y' `a``b`", mysql)).toEqual([
      'Word:_utf8',
      "String:'x'",
      "String:N'y'",
      'Quoted:`a``b`',
    ]);
    expect(tokensOf("e'x'", mysql)).toEqual(['Word:e', "String:'x'"]);
  });

  it.each(["'a", "E'a\\'", '"a', '$$a', '$a$ b $a', '/* a', '/* /* a */', "U&'a", "B'1"])(
    'PG: unterminated %s is a lexical error',
    (text) => {
      expect(tokensOf(text)[0]).toBe('LEXICAL');
      expect(classify(bytes(text), postgres).shape).toEqual({ kind: 'other', why: 'lexical' });
    },
  );
});

describe('comments', () => {
  it.each([
    ['a -- b\nc', postgres, ['Word:a', 'Word:c']],
    ['a--b\nc', postgres, ['Word:a', 'Word:c']],
    ['1--1', mysql, ['Number:1', 'Operator:-', 'Operator:-', 'Number:1']],
    ['1 -- 1', mysql, ['Number:1']],
    ['a # b\nc', mysql, ['Word:a', 'Word:c']],
    ['a # b', postgres, ['Word:a', 'Operator:#', 'Word:b']],
    ['a /* /* b */ c */ d', postgres, ['Word:a', 'Word:d']],
    ['a /* /* b */ c', mysql, ['Word:a', 'Word:c']],
    ['a/**/b', postgres, ['Word:a', 'Word:b']],
    ["a /* ' */ b", postgres, ['Word:a', 'Word:b']],
  ])('%s', (text, settings, expected) => {
    expect(tokensOf(text, settings)).toEqual(expected);
  });

  it('executable comments are seen on MySQL and MariaDB, and are comments on PG', () => {
    for (const text of ['SELECT 1 /*!80000 FOR UPDATE */', 'SELECT 1 /*M! FOR UPDATE */']) {
      expect(lexed(text, settingsOf('mysql')).executableComment).toBe(true);
      expect(lexed(text, settingsOf('mariadb')).executableComment).toBe(true);
      expect(lexed(text).executableComment).toBe(false);
      expect(classify(bytes(text), mysql).shape).toEqual({ kind: 'other', why: 'executable-comment' });
    }
  });

  it.each([
    ['/* interlock:off */ DELETE FROM t', true],
    ['DELETE FROM t -- interlock:off', true],
    ['DELETE FROM t /* x interlock:off, please */', true],
    ['DELETE FROM t /* interlock:offline */', false],
    ["DELETE FROM t WHERE a = 'interlock:off'", false],
    ['DELETE FROM "interlock:off"', false],
    ['DELETE FROM t -- interlock off', false],
  ])('opt-out: %s is %s', (text, expected) => {
    expect(classify(bytes(text), postgres).head.optOut).toBe(expected);
  });
});

describe('operators, names and numbers', () => {
  it.each([
    ['a::int', postgres, ['Word:a', 'Cast:::', 'Word:int']],
    ['a:=1', postgres, ['Word:a', 'Assign::=', 'Number:1']],
    ['a[1:2]', postgres, ['Word:a', 'OpenBracket:[', 'Number:1', 'Colon::', 'Number:2', 'CloseBracket:]']],
    ['a ? b', postgres, ['Word:a', 'Operator:?', 'Word:b']],
    ['a ?| b', postgres, ['Word:a', 'Operator:?|', 'Word:b']],
    ['a=?', mysql, ['Word:a', 'Equals:=', 'Parameter:?']],
    ['a=-1', postgres, ['Word:a', 'Equals:=', 'Operator:-', 'Number:1']],
    ['a@-1', postgres, ['Word:a', 'Operator:@-', 'Number:1']],
    ['a=$1', postgres, ['Word:a', 'Equals:=', 'Parameter:$1']],
    ['a=/*x*/1', postgres, ['Word:a', 'Equals:=', 'Number:1']],
    ['a<--x\n1', postgres, ['Word:a', 'Operator:<', 'Number:1']],
    ['a->>b', postgres, ['Word:a', 'Operator:->>', 'Word:b']],
    ['a<=>b', mysql, ['Word:a', 'Operator:<=>', 'Word:b']],
    ['@a := @@session.b', mysql, ['Variable:@a', 'Assign::=', 'Variable:@@session.b']],
    ["@'a b' @`c`", mysql, ["Variable:@'a b'", 'Variable:@`c`']],
    ['"a""b"."c"', postgres, ['Quoted:"a""b"', 'Dot:.', 'Quoted:"c"']],
    [
      '1.5 .5 1. 1e5 1E+5 1_000 0x1F',
      postgres,
      ['1.5', '.5', '1.', '1e5', '1E+5', '1_000', '0x1F'].map((n) => `Number:${n}`),
    ],
    ['t.5', postgres, ['Word:t', 'Number:.5']],
    ['1a', mysql, ['Word:1a']],
    ['a.*', postgres, ['Word:a', 'Dot:.', 'Star:*']],
    ['über_straße', postgres, ['Word:\xc3\xbcber_stra\xc3\x9fe']],
  ])('%s', (text, settings, expected) => {
    expect(tokensOf(text, settings)).toEqual(expected);
  });

  it('PG: NUL is a lexical error even where nothing is interpreted', () => {
    for (const text of ["'a\0b'", '-- a\0b\n1', '/* \0 */ 1', '"a\0"', '$$\0$$', '\0']) {
      expect(tokensOf(text)[0]).toBe('LEXICAL');
    }
    expect(tokensOf("'a\0b'", mysql)).toEqual(["String:'a\0b'"]);
  });

  it.each(['1abc', '$1a', '1..2', 'a\0b', '`a`', '$0', '(a', 'a)', '(a]', '[a)'])(
    'PG: %s is a lexical error',
    (text) => {
      expect(tokensOf(text)[0]).toBe('LEXICAL');
    },
  );

  it('PG: a parameter beyond 65535 is a lexical error', () => {
    expect(tokensOf('$65535')).toEqual(['Parameter:$65535']);
    expect(tokensOf('$65536')[0]).toBe('LEXICAL');
    expect(tokensOf('$99999999999999999999')[0]).toBe('LEXICAL');
  });

  it('MySQL: `?` are counted, not those in strings and comments', () => {
    const tokens = lexed('? \'?\' /* ? */ ? "?" -- ?\n ?', mysql);
    const found = [];
    for (let i = 0; i < tokens.count; i++) if (tokens.kind[i] === T.Parameter) found.push(tokens.detail[i]);
    expect(found).toEqual([1, 2, 3]);
  });

  it('keywords are words in any case, but not behind a dot or AS', () => {
    const tokens = lexed('SELECT sElEcT t.select x AS select');
    const ids = [];
    for (let i = 0; i < tokens.count; i++) ids.push(tokens.keyword(i) !== 0);
    expect(ids).toEqual([true, true, false, false, false, false, true, false]);
  });

  it('string flavours are told apart', () => {
    const tokens = lexed("'a' E'a' N'a' U&'a' $$a$$ B'1' 'a'\n'b'");
    expect([...tokens.detail.subarray(0, tokens.count)]).toEqual([
      flavour.plain,
      flavour.escape,
      flavour.national,
      flavour.unicode,
      flavour.dollar,
      flavour.bits,
      flavour.joined,
    ]);
  });
});

describe('statements and limits', () => {
  it.each([
    ['', 0],
    [' \n -- x', 0],
    [';;', 0],
    ['SELECT 1', 1],
    ['SELECT 1;', 1],
    [';SELECT 1;;', 1],
    ['SELECT 1; SELECT 2', 2],
    ["SELECT ';'; -- ;", 1],
    ['SELECT $$;$$ /* ; */', 1],
    ['SELECT ";"', 1],
  ])('%s holds %i statements', (text, expected) => {
    expect(lexed(text).statements).toBe(expected);
  });

  it.each([
    [{ maxBytes: 10 }, 'SELECT 1234'],
    [{ maxTokens: 3 }, 'SELECT 1, 2'],
    [{ maxDepth: 2 }, 'SELECT (((1)))'],
  ])('over %o the text is not looked at', (limit, text) => {
    const limits = { ...defaultSqlLimits, ...limit };
    expect(classify(bytes(text), postgres, limits).shape).toEqual({ kind: 'other', why: 'too-long' });
    expect(classify(bytes(text), postgres).shape.kind).toBe('select');
  });

  it('token arrays are used again without traces of the text before', () => {
    const tokens = new Tokens(4);
    lex(bytes('SELECT (((((1))))), a, b, c FROM t WHERE x IN (1, 2, 3, 4, 5, 6)'), postgres, tokens);
    lex(bytes('a'), postgres, tokens);
    expect([tokens.count, tokens.kind[1], tokens.kind[2], tokens.keyword(1)]).toEqual([1, T.End, T.End, 0]);
  });
});
