/** `500ms`, `1s`, `2m` or a number of milliseconds -> milliseconds. */
import { z } from 'zod';

const unit: Record<string, number> = { ms: 1, s: 1000, m: 60_000 };

export const duration = z.union([
  z.number().int().nonnegative(),
  z
    .string()
    .regex(/^\d+(ms|s|m)$/, 'write a duration like 500ms, 1s or 2m')
    .transform((text) => {
      const [, amount = '0', suffix = 'ms'] = /^(\d+)(ms|s|m)$/.exec(text) ?? [];
      return Number(amount) * (unit[suffix] ?? 1);
    }),
]);
