import { createServer, type Socket } from 'node:net';

// The least that an MQTT server can do: CONNACK, and a PUBACK for each PUBLISH of QoS 1. What the load reaches against it is the bound of
// the load itself. A child process, which tells its port.

/** Whole packets in the bytes are answered; the rest is returned. */
function answer(bytes: Buffer, socket: Socket): Buffer {
  const out: number[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    let length = 0;
    let body = at + 1;
    for (let shift = 0; body < bytes.length; shift += 7) {
      const byte = bytes[body] as number;
      length |= (byte & 127) << shift;
      body += 1;
      if (byte < 128) break;
    }
    if (body + length > bytes.length) break;
    const type = (bytes[at] as number) >> 4;
    if (type === 1) out.push(0x20, 2, 0, 0);
    else if (type === 3) {
      const id = body + 2 + bytes.readUInt16BE(body);
      out.push(0x40, 2, bytes[id] as number, bytes[id + 1] as number);
    } else if (type === 12) out.push(0xd0, 0);
    at = body + length;
  }
  if (out.length > 0) socket.write(Buffer.from(out));
  return bytes.subarray(at);
}

const server = createServer({ noDelay: true }, (socket) => {
  let rest: Buffer = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (bytes: Buffer) => {
    rest = answer(rest.length === 0 ? bytes : Buffer.concat([rest, bytes]), socket);
  });
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 1024 }, () => process.send?.((server.address() as { port: number }).port));
process.on('disconnect', () => process.exit(0));
