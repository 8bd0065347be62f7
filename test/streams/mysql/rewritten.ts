/** Recognises what a plan sends in place of the app's statement, by the text alone and without the help of src. */

/** The marker, and comments of the app. */
const comment = /\/\*(?:[^*]|\*(?!\/))*\*\//g;

function plain(sql: string): string {
  return sql
    .replaceAll(comment, ' ')
    .replaceAll(/\s+/g, ' ')
    .replace(/\s*;\s*$/, '')
    .trim();
}

/**
 * The two rewrites: a multiple-table DELETE in place of a list, and FOR UPDATE behind the app's own SELECT, with its row's
 * key as a further condition or without.
 */
export function isRewriteOf(sql: string, original: string): boolean {
  const [edited, before] = [plain(sql), plain(original)];
  if (edited === before) return false;
  if (/^delete\b/i.test(before))
    return /^delete from \S+ where\b/i.test(before) && /^DELETE (?!FROM )\S+ FROM /i.test(edited);
  if (!/^select\b/i.test(before) || !edited.endsWith(' FOR UPDATE')) return false;
  const unlocked = edited.slice(0, -' FOR UPDATE'.length);
  return unlocked === before || withoutKey(unlocked) === before;
}

/** `… WHERE (p) AND t.`id` = 5 LIMIT 1` -> `… WHERE p LIMIT 1` */
function withoutKey(sql: string): string | undefined {
  const found = /^(.*? where )\((.*)\) AND \S+\.`\w+` = (?:-?[\d.]+|'[^']*'|X'[0-9a-f]*')(.*)$/is.exec(sql);
  if (found === null) return undefined;
  const [, head = '', condition = '', tail = ''] = found;
  return `${head}${condition}${tail}`;
}

/** The app's SELECT with the primary key in place of its list. */
export function isKeyProbe(sql: string, original: string): boolean {
  const list = /^select\s+(?:distinct\s+)?(.*?)\s+from\s/is;
  const [edited, before] = [plain(sql), plain(original)];
  if (!/^\S+\.`\w+`$/.test(list.exec(edited)?.[1] ?? '')) return false;
  return edited !== before && edited.replace(list, '') === before.replace(list, '');
}
