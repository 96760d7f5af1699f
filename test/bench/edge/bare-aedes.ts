import { createServer } from 'node:net';
import { Aedes } from 'aedes';

// An MQTT broker with nothing around it: what a connected client costs at least. A child process, which tells its port.

const broker = await Aedes.createBroker({});
const server = createServer({ noDelay: true }, (socket) => broker.handle(socket));
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => process.send?.((server.address() as { port: number }).port));
process.on('disconnect', () => process.exit(0));
