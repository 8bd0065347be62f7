/**
 * Every reason that split-delete can give: the sequence that is left alone, and a twin that differs in one token, event,
 * setting or fact and is found. reasons.test.ts demands a case for each reason of the pattern.
 */
import { courseCases } from './split-delete.course.cases.ts';
import { formCases } from './split-delete.form.cases.ts';
import type { Case } from './stories.ts';

export const splitDeleteCases: Case[] = [...formCases, ...courseCases];
