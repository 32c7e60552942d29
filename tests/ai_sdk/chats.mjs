// Chats as a frontend sets them up, and what their scenarios need besides.
import { connect, createServer } from 'node:net';
import { Chat } from '@ai-sdk/react';
import { DefaultChatTransport, validateUIMessages } from 'ai';

export const [, , scenario, ...services] = process.argv;
const headers = { Authorization: `Bearer ${process.env.TOKEN}` };

// A chat, with what its callbacks were told. `transport` and `options` are those of the AI SDK.
export function open(id, { messages, transport = {}, ...options } = {}) {
  const told = { data: [], errors: [], finished: [] };
  const chat = new Chat({
    id,
    messages,
    transport: new DefaultChatTransport({
      api: `${services[0]}/api/chat`,
      headers: () => headers,
      ...transport,
    }),
    onData: (part) => told.data.push(part),
    onError: (error) => told.errors.push(problem(error)),
    onFinish: ({ isAbort, isDisconnect, isError, finishReason }) =>
      told.finished.push({ isAbort, isDisconnect, isError, finishReason }),
    ...options,
  });
  return { chat, told };
}

// Why a request was refused, or a reply failed. The client's error has the answer's body as its message.
export function problem(error) {
  try {
    return JSON.parse(error.message);
  } catch {
    return { code: error.message };
  }
}

// How a chat stands.
export const state = ({ chat, told }) => ({
  status: chat.status,
  error: chat.error && problem(chat.error),
  messages: chat.messages,
  ...told,
});

// What the server has of a chat, which the AI SDK must accept.
export async function history(id) {
  const { items } = await call('GET', id, 'history?format=ui&limit=200');
  return await validateUIMessages({ messages: items });
}

export async function call(method, id, action, service = services[0]) {
  const answer = await fetch(`${service}/api/chat/${encodeURIComponent(id)}/${action}`, { method, headers });
  if (!answer.ok) throw new Error(`${action}: ${answer.status} ${await answer.text()}`);
  return await answer.json();
}

// Lets the assistant say its last line.
export const go = () => console.log('go');

export async function until(condition) {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}

export const text = (message) =>
  (message?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');

// Until a stream has brought a page so far. What it was loaded with does not count.
export const shows = ({ chat }, expected) =>
  until(() => {
    if (chat.error) throw chat.error;
    return chat.status === 'streaming' && text(chat.messages.at(-1)) === expected;
  });

export const ended = (id) =>
  until(async () => (await history(id)).every((message) => message.metadata.status !== 'streaming'));

// A way to the service that can be cut like a network: whoever reads over it loses the connection.
export async function cable() {
  const { hostname, port } = new URL(services[0]);
  const sockets = new Set();
  const server = createServer((near) => {
    const far = connect(port, hostname);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {});
    }
    near.pipe(far).pipe(near);
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut: () => sockets.forEach((socket) => socket.resetAndDestroy()),
    close: () => server.close(),
  };
}
