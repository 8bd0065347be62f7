/** Masked SQL with its words in colour. Texts only ever become text nodes. */

const keywords = new Set(
  `all and any as begin between by case commit cross delete distinct do else end exists for from full group having if ignore
  in inner insert into is join key left like limit lock mode nothing not null of offset on only or order outer returning
  right rollback savepoint select set share skip straight_join then to union update using values when where with for_update`
    .split(/\s+/)
    .filter((word) => word !== ''),
);

const token = /("[^"]*"|`[^`]*`)|(\$\d+|\?|\.\.\.)|([\p{L}_][\p{L}\p{N}_$]*)|(\s+)|(.)/gsu;

/** @param {string} text @returns {{ text: string, kind: string }[]} */
function tokens(text) {
  return [...text.matchAll(token)].map(([whole, quoted, masked, word]) => {
    if (quoted !== undefined) return { text: whole, kind: 'name' };
    if (masked !== undefined) return { text: whole, kind: 'masked' };
    return { text: whole, kind: word !== undefined && keywords.has(word.toLowerCase()) ? 'keyword' : '' };
  });
}

function node({ text, kind }) {
  if (kind === '') return document.createTextNode(text);
  const span = document.createElement('span');
  span.className = kind;
  span.textContent = text;
  return span;
}

/**
 * @param {string} text
 * @param {string} [instead] what it is compared with: the part that differs is marked
 * @returns {HTMLElement}
 */
export function sql(text, instead) {
  const pre = document.createElement('pre');
  const mine = tokens(text);
  if (instead === undefined) {
    pre.append(...mine.map(node));
    return pre;
  }
  const other = tokens(instead);
  const same = (a, b) => a !== undefined && b !== undefined && a.text === b.text;
  let start = 0;
  while (same(mine[start], other[start])) start++;
  let end = 0;
  const room = Math.min(mine.length, other.length) - start;
  while (end < room && same(mine[mine.length - 1 - end], other[other.length - 1 - end])) end++;
  const changed = mine.slice(start, mine.length - end);
  pre.append(...mine.slice(0, start).map(node));
  if (changed.length > 0) {
    const mark = document.createElement('mark');
    mark.append(...changed.map(node));
    pre.append(mark);
  }
  pre.append(...mine.slice(mine.length - end).map(node));
  return pre;
}
