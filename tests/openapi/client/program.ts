// Uses every operation through types made from the document; prints the ones it called.
// `node program.js <address of the service>`; exits with 1 if an answer is not what its type says.

import assert from "node:assert/strict";
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./api.js";

type Message = components["schemas"]["Message"];
type Problem = components["schemas"]["Problem"];

const called = new Set<string>();
const recorder: Middleware = {
  onRequest: ({ request, schemaPath }) => void called.add(`${request.method} ${schemaPath}`),
};

const baseUrl = process.argv[2];
assert(baseUrl !== undefined);
const anybody = createClient<paths>({ baseUrl });
anybody.use(recorder);

function known<Data>(answer: { data?: Data; error?: Problem | undefined; response: Response }): Data {
  assert(answer.data !== undefined, `${answer.response.status} ${answer.error?.code}: ${answer.error?.detail}`);
  return answer.data;
}

function done(answer: { error?: Problem | undefined; response: Response }): void {
  assert.equal(answer.response.status, 204, answer.error?.detail);
}

// Accounts
const account = { email: `${crypto.randomUUID()}@example.com`, password: "correct horse battery" };
known(await anybody.POST("/api/auth/register", { body: account }));
const token = known(
  await anybody.POST("/api/auth/token", {
    body: { grant_type: "password", username: account.email, password: account.password, scope: "" },
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
  }),
);
const Authorization = `Bearer ${token.access_token}`;
// What has two media types is taken as JSON by one client, and as a stream by the other.
type Json = "application/json" | "application/problem+json";
const client = createClient<paths, Json>({ baseUrl, headers: { Authorization } });
client.use(recorder);
const reader = createClient<paths, "text/event-stream" | "application/problem+json">({
  baseUrl,
  headers: { Authorization, Accept: "text/event-stream" },
});
reader.use(recorder);
assert.equal(known(await client.GET("/api/auth/me")).email, account.email);

// Chat
const chat = known(await client.POST("/api/chat/start"));
const inChat = { path: { sessionId: chat.session_id } };
const turn = known(await client.POST("/api/chat/{sessionId}/message", { params: inChat, body: { message: "help" } }));
const status: "streaming" | "complete" | "stopped" | "interrupted" | "failed" = turn.reply.status;
assert.equal(status, "complete");
const history = known(await client.GET("/api/chat/{sessionId}/history", { params: inChat }));
assert.deepEqual(history.items, [turn.message, turn.reply]);

const another = known(await client.POST("/api/chat/{sessionId}/regenerate", { params: inChat }));
const versions = known(
  await client.GET("/api/chat/{sessionId}/replies/{reply_id}/versions", {
    params: { path: { ...inChat.path, reply_id: turn.reply.id } },
  }),
);
assert.deepEqual(versions.items, [turn.reply, another.reply]);
done(
  await client.PUT("/api/conversations/{conversation_id}/messages/{message_id}/feedback", {
    params: { path: { conversation_id: chat.conversation.id, message_id: another.reply.id } },
    body: { value: "up" },
  }),
);
assert.equal(known(await client.POST("/api/chat/{sessionId}/stop", { params: inChat })).reply, null);
assert.deepEqual(known(await client.GET("/api/chat/live")).items, []);
done(await reader.GET("/api/chat/{sessionId}/stream", { params: inChat }));
const again = { ...inChat, header: { "Idempotency-Key": "first" } };
const told: string[] = [];
for (let sent = 1; sent <= 2; sent++) {
  const body = { message: "help" };
  const answer = await reader.POST("/api/chat/{sessionId}/message", { params: again, body, parseAs: "text" });
  assert.equal(answer.response.headers.get("x-vercel-ai-ui-message-stream"), "v1");
  const [start] = known(answer).split("\n");
  told.push(start ?? "");
}
assert.match(told[0] ?? "", /"type":"start"/);
assert.equal(told[0], told[1]);

// A frontend of the AI SDK
const question: components["schemas"]["UIMessage"] = {
  id: "m-1",
  role: "user",
  parts: [{ type: "text", text: "help" }],
};
const stream: string = known(
  await reader.POST("/api/chat", {
    body: { id: chat.session_id, message: question, messages: [], trigger: "submit-message" },
    parseAs: "text",
  }),
);
assert.match(stream, /data: \[DONE\]\n\n$/);
const shown = known(
  await client.GET("/api/chat/{sessionId}/history", { params: { ...inChat, query: { format: "ui", limit: 2 } } }),
);
for (const message of shown.items) {
  assert("metadata" in message);
  assert.equal(message.metadata.session_id, chat.session_id);
}

// Conversations
const made = known(await client.POST("/api/conversations", { body: { title: "Holiday plans" } }));
const inConversation = { path: { conversation_id: made.id } };
for (const content of ["one", "two", "three"]) {
  known(
    await client.POST("/api/conversations/{conversation_id}/messages", {
      params: inConversation,
      body: { role: "user", content },
    }),
  );
}
const said: Message[] = [];
let cursor: string | null = null;
do {
  const page: components["schemas"]["MessagePage"] = known(
    await client.GET("/api/conversations/{conversation_id}/messages", {
      params: { ...inConversation, query: { limit: 2, cursor } },
    }),
  );
  said.push(...page.items);
  cursor = page.next_cursor;
} while (cursor !== null);
assert.deepEqual(said.map((message) => message.seq), [1, 2, 3]);
const oneConversation = "/api/conversations/{conversation_id}";
known(await client.PATCH(oneConversation, { params: inConversation, body: { title: "Summer holiday" } }));
assert.equal(known(await client.GET(oneConversation, { params: inConversation })).title, "Summer holiday");
assert.deepEqual(known(await client.GET("/api/conversations")).items.map((one) => one.id), [
  made.id,
  chat.conversation.id,
]);
const used = known(await client.GET("/api/conversations/{conversation_id}/usage", { params: inConversation }));
assert.deepEqual(used, { input_tokens: 0, output_tokens: 0 });
known(await client.PATCH(oneConversation, { params: inConversation, body: { pinned: true, archived: true } }));
const archive = known(await client.GET("/api/conversations", { params: { query: { archived: true } } }));
assert.deepEqual(archive.items.map((one) => [one.id, one.pinned]), [[made.id, true]]);
const found = known(await client.GET("/api/search", { params: { query: { q: "three" } } }));
assert.deepEqual(
  found.items.map((item) => [item.conversation.id, item.message?.seq, item.snippet]),
  [[made.id, 3, [{ text: "three", match: true }]]],
);
done(await client.DELETE(oneConversation, { params: inConversation }));
const restored = known(
  await client.POST("/api/conversations/{conversation_id}/restore", { params: inConversation }),
);
assert.equal(restored.title, "Summer holiday");
done(await client.DELETE(oneConversation, { params: inConversation }));

// Todos
const todo = known(await client.POST("/api/todos", { body: { title: "Buy milk", description: "" } }));
const atTodo = { path: { todo_id: todo.id } };
known(await client.PATCH("/api/todos/{todo_id}", { params: atTodo, body: { completed: true } }));
assert.equal(known(await client.GET("/api/todos/{todo_id}", { params: atTodo })).completed, true);
assert.equal(known(await client.GET("/api/todos")).items.length, 1);
done(await client.DELETE("/api/todos/{todo_id}", { params: atTodo }));

// A refusal is typed, too.
const refused = await client.GET("/api/todos/{todo_id}", { params: atTodo });
const problem: Problem | undefined = refused.error;
assert.equal(problem?.code, "todo_not_found");
assert.equal(problem?.errors, undefined);

// All that is known about a user
const taker = createClient<paths, "application/jsonl" | "application/problem+json">({
  baseUrl,
  headers: { Authorization },
});
taker.use(recorder);
const taken: string = known(await taker.GET("/api/auth/me/export", { parseAs: "text" }));
assert.equal(JSON.parse(taken.trimEnd().split("\n").at(-1) ?? "").type, "end");

// Another password, and the end of all tokens
const change = { current_password: account.password, new_password: "staple correct horse" };
const renewed = known(await client.POST("/api/auth/password", { body: change }));
const newcomer = createClient<paths, Json>({
  baseUrl,
  headers: { Authorization: `Bearer ${renewed.access_token}` },
});
newcomer.use(recorder);
assert.equal((await client.GET("/api/chat/live")).response.status, 401);
done(await newcomer.POST("/api/auth/sign-out"));
assert.equal((await newcomer.GET("/api/chat/live")).response.status, 401);

// The end of the account
const anew = known(
  await anybody.POST("/api/auth/token", {
    body: { grant_type: "password", username: account.email, password: change.new_password, scope: "" },
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
  }),
);
const leaver = createClient<paths, Json>({ baseUrl, headers: { Authorization: `Bearer ${anew.access_token}` } });
leaver.use(recorder);
const gone = known(await leaver.DELETE("/api/auth/me", { body: { confirmation: change.new_password } }));
assert.deepEqual([gone.user, gone.todo], [1, 0]);
assert.equal((await leaver.GET("/api/auth/me")).error?.code, "not_authenticated");

// Operations
assert.equal(known(await client.GET("/healthz")).status, "ok");
assert.equal(known(await client.GET("/readyz")).status, "ready");
assert.match(known(await anybody.GET("/metrics", { parseAs: "text" })), /^# HELP/);

console.log(JSON.stringify([...called].sort()));
