/** What clients agree on: the forms of one reply differ by it. */
import {
  capability as c,
  mariadbCapability as m,
  type Capabilities,
} from '../../../src/wire/mysql/capabilities.ts';

const base =
  c.longFlag |
  c.localFiles |
  c.protocol41 |
  c.transactions |
  c.secureConnection |
  c.multiStatements |
  c.multiResults |
  c.psMultiResults |
  c.pluginAuth |
  c.connectAttrs |
  c.pluginAuthLenencClientData;
const modern = base | c.deprecateEof | c.sessionTrack | c.foundRows;

export type CapabilitySet = 'plain' | 'modern' | 'attributes' | 'cached';

const mysql: Partial<Record<CapabilitySet, Capabilities>> = {
  plain: { flags: base | c.mysql, mariadb: 0 },
  modern: { flags: modern | c.mysql, mariadb: 0 },
  attributes: { flags: modern | c.mysql | c.queryAttributes, mariadb: 0 },
};

const mariadb: Partial<Record<CapabilitySet, Capabilities>> = {
  plain: { flags: base, mariadb: 0 },
  /** As mysql2 does, which does not know MariaDB's flags. */
  modern: { flags: modern | c.mysql, mariadb: 0 },
  cached: { flags: modern, mariadb: m.cacheMetadata | m.extendedMetadata | m.stmtBulkOperations },
};

export const setsOf = (engine: string): Partial<Record<CapabilitySet, Capabilities>> =>
  engine.startsWith('mysql') ? mysql : mariadb;
