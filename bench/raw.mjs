/** A client of PostgreSQL that counts bytes and does nothing else, so that it is not what is measured. Trust, simple queries. */
import { connect } from 'node:net';

const buffer = Buffer.allocUnsafe(1 << 20);
const text = (value) => Buffer.from(`${value}\0`);

function message(type, body) {
  const head = Buffer.alloc(type.length + 4);
  head.write(type, 'latin1');
  head.writeInt32BE(body.length + 4, type.length);
  return Buffer.concat([head, body]);
}

const startup = message(
  '',
  Buffer.concat([
    Buffer.from([0, 3, 0, 0]),
    text('user'),
    text('postgres'),
    text('database'),
    text('bench'),
    Buffer.alloc(1),
  ]),
);
/** ReadyForQuery, but for the transaction status: what every answer ends with. */
const ready = Buffer.from([0x5a, 0, 0, 0, 5]);
const readyBytes = ready.length + 1;

export class RawClient {
  #socket;
  #tail = Buffer.alloc(0);
  #bytes = 0;
  #done = () => undefined;

  /** Logged in when the promise is done. */
  static async open(port) {
    const client = new RawClient();
    await client.#answer(() => {
      client.#socket = connect({
        port,
        host: '127.0.0.1',
        noDelay: true,
        onread: { buffer, callback: (count) => client.#read(buffer.subarray(0, count)) },
      });
      client.#socket.write(startup);
    });
    return client;
  }

  /** @returns {Promise<{ms: number, bytes: number}>} until the whole answer is here */
  query(sql) {
    const bytes = message('Q', text(sql));
    return this.#answer(() => this.#socket.write(bytes));
  }

  close() {
    this.#socket.destroy();
  }

  #answer(send) {
    return new Promise((resolve) => {
      const start = performance.now();
      this.#bytes = 0;
      this.#done = () => resolve({ ms: performance.now() - start, bytes: this.#bytes });
      send();
    });
  }

  #read(chunk) {
    this.#bytes += chunk.length;
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(-readyBytes)]).subarray(-readyBytes);
    if (this.#tail.subarray(0, ready.length).equals(ready)) this.#done();
    return true;
  }
}
