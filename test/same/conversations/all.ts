/** All conversations, in the order in which they run: a later one may see what an earlier one left in the database. */
import type { Conversation } from '../conversation.ts';
import { copy } from './copy.ts';
import { errors } from './errors.ts';
import { extendedProtocol } from './extended.ts';
import { large } from './large.ts';
import { rewrites } from './rewrites.ts';
import { sessions } from './sessions.ts';
import { simple } from './simple.ts';
import { transactions } from './transactions.ts';
import { types } from './types.ts';

export const conversations: Conversation[] = [
  ...simple,
  ...types,
  ...errors,
  ...transactions,
  ...extendedProtocol,
  ...copy,
  ...sessions,
  ...large,
  ...rewrites,
];
