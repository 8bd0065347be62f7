/** Server version strings, for decisions only: what is relayed is never touched. */

export interface ServerVersion {
  mariadb: boolean;
  /** 0 where the text has no number. */
  major: number;
  minor: number;
  patch: number;
}

/** MariaDB 10 and later hide behind an old number, because replicas of old servers compared the first digit only. */
const replicationPrefix = '5.5.5-';

/**
 * @param text as sent: `9.7.0`, `5.5.5-10.11.14-MariaDB-0+deb12u2`, `11.8.3-MariaDB-log`
 * @param mariadb the greeting's flags say so already
 */
export function parseVersion(text: string, mariadb = false): ServerVersion {
  const isMariadb = mariadb || /mariadb/i.test(text);
  const own = isMariadb && text.startsWith(replicationPrefix) ? text.slice(replicationPrefix.length) : text;
  const [, major = '0', minor = '0', patch = '0'] =
    /^(\d{1,4})(?:\.(\d{1,4}))?(?:\.(\d{1,4}))?/.exec(own) ?? [];
  return { mariadb: isMariadb, major: Number(major), minor: Number(minor), patch: Number(patch) };
}

/** version >= major.minor.patch. The two products' numbers have nothing to do with each other: ask `mariadb` first. */
export function atLeast(version: ServerVersion, major: number, minor = 0, patch = 0): boolean {
  return (
    version.major > major ||
    (version.major === major &&
      (version.minor > minor || (version.minor === minor && version.patch >= patch)))
  );
}
