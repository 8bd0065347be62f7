/**
 * A Sequelize application that empties a customer's cart and fills it anew: the rows are found by a join, deleted by their
 * ids, and put in again. Customers come in the order in which they have looked, so whoever is second has seen old rows.
 */
import { DataTypes, Sequelize, Transaction } from 'sequelize';

export interface Served {
  orders: number;
  /** Orders that failed because of the unique pair: somebody else's row was still there. */
  failed: number;
}

const baskets = 3;

export class Carts {
  private readonly sequelize: Sequelize;

  /** @param dialect mysql: MariaDB as well */
  constructor(url: string, dialect: 'postgres' | 'mysql') {
    this.sequelize = new Sequelize(url, {
      dialect,
      logging: false,
      isolationLevel: Transaction.ISOLATION_LEVELS.READ_COMMITTED,
      pool: { max: baskets },
    });
    const { sequelize } = this;
    const options = { timestamps: false };
    const customer = sequelize.define('customer', { name: DataTypes.STRING }, options);
    const cart = sequelize.define(
      'cart',
      { product: DataTypes.INTEGER },
      {
        ...options,
        indexes: [{ unique: true, fields: ['customerId', 'product'] }],
      },
    );
    cart.belongsTo(customer);
  }

  async create(): Promise<void> {
    await this.sequelize.sync({ force: true });
    await this.sequelize.models.customer?.create({ id: 1, name: 'one' });
    await this.sequelize.models.cart?.create({ customerId: 1, product: 1 });
  }

  async serve(rounds: number): Promise<Served> {
    let failed = 0;
    for (let round = 0; round < rounds; round += 1) failed += await this.round();
    return { orders: rounds * baskets, failed };
  }

  /** @returns orders that failed */
  private async round(): Promise<number> {
    const { customer, cart } = this.sequelize.models;
    if (customer === undefined || cart === undefined) throw new Error('not defined');
    const orders = [];
    for (let basket = 0; basket < baskets; basket += 1) {
      const transaction = await this.sequelize.transaction();
      const found = await cart.findAll({
        attributes: ['id'],
        include: [{ model: customer, attributes: [], where: { name: 'one' } }],
        raw: true,
        transaction,
      });
      orders.push({ transaction, ids: found.map((row) => (row as unknown as { id: number }).id) });
    }
    let failed = 0;
    for (const { transaction, ids } of orders) {
      try {
        await cart.destroy({ where: { id: ids }, transaction });
        await cart.create({ customerId: 1, product: 1 }, { transaction });
        await transaction.commit();
      } catch (error) {
        if ((error as Error).name !== 'SequelizeUniqueConstraintError') throw error;
        failed += 1;
        await transaction.rollback();
      }
    }
    return failed;
  }

  end(): Promise<void> {
    return this.sequelize.close();
  }
}
