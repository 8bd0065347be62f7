/** Scalars of the config that need reading. Each is a zod schema with its own message. */
import { z } from 'zod';

const factor: Record<string, number> = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** `64KiB`, `1MiB`, `1GiB` or a number of bytes -> bytes. */
export const byteSize = z.union([
  z.number().int().positive(),
  z
    .string()
    .regex(/^\d+(KiB|MiB|GiB)?$/, 'write a size like 4096, 64KiB, 1MiB or 1GiB')
    .transform((text) => {
      const [, amount = '0', unit = ''] = /^(\d+)(\D*)$/.exec(text) ?? [];
      return Number(amount) * (factor[unit] ?? 1);
    }),
]);

/** `10%` -> 0.1; above 0, at most 100 %. */
export const percentage = z.string().transform((text, context): number => {
  const percent = Number(/^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(text)?.[1]);
  if (percent > 0 && percent <= 100) return percent / 100;
  context.addIssue({ code: 'custom', message: 'write a share like 10% or 0.5%, above 0 and at most 100%' });
  return z.NEVER;
});
