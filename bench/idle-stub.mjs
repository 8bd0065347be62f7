/** The server of idle.mjs, a process of its own: forked, it tells its two ports; its parent's end is its own. */
import { createServer } from 'node:net';
import { mysql, postgres } from './idle-wire.mjs';

let connections = 0;

function serve(protocol) {
  const server = createServer({ noDelay: true }, (socket) => {
    const state = { id: ++connections };
    if (protocol.greeting !== undefined) socket.write(protocol.greeting);
    socket.on('data', (chunk) => socket.write(protocol.answer(chunk, state))).on('error', () => undefined);
  });
  return new Promise((resolve) => {
    server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => resolve(server.address().port));
  });
}

process.once('disconnect', () => process.exit());
process.send({ postgres: await serve(postgres), mysql: await serve(mysql) });
