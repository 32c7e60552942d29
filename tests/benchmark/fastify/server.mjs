// A chat's API as one writes it on Node: a peer that is measured beside the service.
import { createVerifier } from 'fast-jwt';
import Fastify from 'fastify';
import postgres from 'postgres';

const sql = postgres(process.env.DATABASE_URL, { max: 16, ssl: false });
const verify = createVerifier({ key: process.env.SECRET_KEY, cache: true });
const app = Fastify();

app.decorateRequest('user', null);
app.addHook('onRequest', async (request, reply) => {
  try {
    request.user = verify(request.headers.authorization?.replace(/^Bearer /, '')).sub;
  } catch {
    return reply.code(401).send({ detail: 'Could not validate credentials' });
  }
});

const id = { type: 'integer', minimum: 1 };
const params = { type: 'object', properties: { id } };
const page = (limit) => ({
  type: 'object',
  properties: { limit: { type: 'integer', maximum: 200, default: limit }, before: id },
});
const time = { type: 'string', format: 'date-time' };
const text = { type: 'string' };
const conversation = { type: 'object', properties: { id, title: text, created_at: time, updated_at: time } };
const message = { type: 'object', properties: { id, role: text, content: text, created_at: time } };
const list = (items) => ({ 200: { type: 'array', items } });

app.get('/conversations/', { schema: { querystring: page(20), response: list(conversation) } }, (request) =>
  sql`SELECT id, title, created_at, updated_at FROM peer.conversation WHERE user_id = ${request.user}
      ORDER BY updated_at DESC, id DESC LIMIT ${request.query.limit}`);

app.get(
  '/conversations/:id/messages/',
  { schema: { params, querystring: page(50), response: list(message) } },
  async (request, reply) => {
    const rows = await sql`
      SELECT m.id, m.role, m.content, m.created_at FROM peer.conversation c
      LEFT JOIN LATERAL (
        SELECT * FROM peer.message WHERE conversation_id = c.id AND id < ${request.query.before ?? Number.MAX_SAFE_INTEGER}
        ORDER BY id DESC LIMIT ${request.query.limit}
      ) m ON true
      WHERE c.id = ${request.params.id} AND c.user_id = ${request.user}`;
    if (rows.length === 0) return reply.code(404).send({ detail: 'Conversation not found' });
    return rows[0].id === null ? [] : rows;
  },
);

const body = { type: 'object', required: ['role', 'content'], properties: { role: text, content: text } };

app.post(
  '/conversations/:id/messages/',
  { schema: { params, body, response: { 201: message } } },
  async (request, reply) => {
    const { role, content } = request.body;
    const [stored] = await sql`
      WITH c AS (
        UPDATE peer.conversation SET updated_at = now()
        WHERE id = ${request.params.id} AND user_id = ${request.user} RETURNING id
      )
      INSERT INTO peer.message (conversation_id, role, content) SELECT id, ${role}, ${content} FROM c
      RETURNING id, role, content, created_at`;
    return stored ? reply.code(201).send(stored) : reply.code(404).send({ detail: 'Conversation not found' });
  },
);

console.log(`Listening on ${await app.listen({ host: '127.0.0.1', port: 0 })}`);
