/** The dashboard's own files, read when the process starts: plain HTML, CSS and JavaScript, as they stand in dashboard/. */
import { readFileSync } from 'node:fs';

export interface Page {
  type: string;
  body: Buffer;
}

/** Nothing from elsewhere, nothing inline, no string ever becomes markup. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const files: Record<string, [name: string, type: string]> = {
  '/': ['index.html', 'text/html'],
  '/dashboard.css': ['dashboard.css', 'text/css'],
  '/parts.css': ['parts.css', 'text/css'],
  '/dashboard.js': ['dashboard.js', 'text/javascript'],
  '/parts.js': ['parts.js', 'text/javascript'],
  '/plots.js': ['plots.js', 'text/javascript'],
  '/sql.js': ['sql.js', 'text/javascript'],
  '/icon.svg': ['icon.svg', 'image/svg+xml'],
};

/** Path -> file. Two levels up from both src/admin and dist/admin. */
export function readPages(): Map<string, Page> {
  const folder = new URL('../../dashboard/', import.meta.url);
  return new Map(
    Object.entries(files).map(([path, [name, type]]) => [
      path,
      { type: `${type}; charset=utf-8`, body: readFileSync(new URL(name, folder)) },
    ]),
  );
}
