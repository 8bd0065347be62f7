/** All conversations, in the order in which they run: a later one may see what an earlier one left in the database. */
import type { Conversation } from '../conversation.ts';
import { files } from './files.ts';
import { large } from './large.ts';
import { preparedStatements } from './prepared.ts';
import { queries } from './queries.ts';
import { sessions } from './sessions.ts';
import { transactions } from './transactions.ts';

export const conversations: Conversation[] = [
  ...queries,
  ...preparedStatements,
  ...sessions,
  ...transactions,
  ...files,
  ...large,
];
