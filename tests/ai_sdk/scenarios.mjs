// What a frontend does, by name. The result of a scenario is printed as JSON, and judged by the tests.
import { lastAssistantMessageIsCompleteWithToolCalls } from 'ai';
import {
  cable, call, ended, go, history, open, scenario, services, shows, state,
} from './chats.mjs';

const ODD = 'c/1 ünï ?#%2F 🎈';

const scenarios = {
  async two_turns() {
    const page = open('chat-1');
    await page.chat.sendMessage({ text: 'One?' });
    await page.chat.sendMessage({ text: 'Two?' });
    return { page: state(page), history: await history('chat-1') };
  },

  async reload() {
    await open('chat-1').chat.sendMessage({ text: 'One?' });
    const page = open('chat-1', { messages: await history('chat-1') });
    await page.chat.sendMessage({ text: 'Two?' });
    return { page: state(page), history: await history('chat-1') };
  },

  async last_message_only() {
    const page = open('chat-1', {
      transport: {
        prepareSendMessagesRequest: ({ id, messages, trigger, messageId }) => ({
          body: { id, message: messages.at(-1), trigger, messageId },
        }),
      },
    });
    await page.chat.sendMessage({ text: 'One?' });
    await page.chat.sendMessage({ text: 'Two?' });
    await page.chat.regenerate();
    await page.chat.sendMessage({ text: 'One!', messageId: page.chat.messages[0].id });
    return { page: state(page), history: await history('chat-1') };
  },

  async tools() {
    const states = [];
    const asked = [];
    const page = open('chat-1', {
      onToolCall: ({ toolCall }) => asked.push(toolCall),
      sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
    });
    page.chat['~registerMessagesCallback'](() => {
      const parts = page.chat.messages.at(-1).parts.filter((part) => part.type.startsWith('tool-'));
      const now = parts.map((part) => part.state).join(' ');
      if (now !== '' && now !== states.at(-1)) states.push(now);
    });
    await page.chat.sendMessage({ text: 'What is there?' });
    return { page: state(page), states, asked, history: await history('chat-1') };
  },

  async regenerate() {
    const page = open('chat-1');
    await page.chat.sendMessage({ text: 'One?' });
    await page.chat.sendMessage({ text: 'Two?' });
    const first = structuredClone(page.chat.messages);
    const steps = [];
    for (const messageId of [undefined, first[1].id, first[0].id]) {
      await page.chat.regenerate({ messageId });
      steps.push({ messages: page.chat.messages, history: await history('chat-1') });
    }
    return { first, steps };
  },

  async edit() {
    const page = open('chat-1');
    await page.chat.sendMessage({ text: 'One?' });
    await page.chat.sendMessage({ text: 'Two?' });
    await page.chat.sendMessage({ text: 'Three?', messageId: page.chat.messages[0].id });
    return { page: state(page), history: await history('chat-1') };
  },

  async retry_after_a_lost_request() {
    let lost = true;
    const page = open('chat-1', {
      transport: {
        fetch: (...request) => {
          if (lost) throw new TypeError('fetch failed');
          return fetch(...request);
        },
      },
    });
    const steps = [];
    const attempt = async (sending) => {
      lost = true;
      await sending();
      const { status } = page.chat;
      lost = false;
      await page.chat.regenerate();
      steps.push({ status, messages: page.chat.messages, history: await history('chat-1') });
    };
    await attempt(() => page.chat.sendMessage({ text: 'One?' }));
    await attempt(() => page.chat.sendMessage({ text: 'Two?' }));
    await attempt(() => page.chat.sendMessage({ text: 'Two!', messageId: page.chat.messages[2].id }));
    return { steps };
  },

  async the_same_request_again() {
    const page = open('chat-1', {
      transport: {
        fetch: async (...request) => {
          if (request[1].method === 'POST') await (await fetch(...request)).body.cancel();
          return fetch(...request);
        },
      },
    });
    await page.chat.sendMessage({ text: 'One?' });
    return { page: state(page), history: await history('chat-1') };
  },

  async leave() {
    const page = open('chat-1');
    const sent = page.chat.sendMessage({ text: 'One?' });
    await shows(page, 'Patience ... ');
    await page.chat.stop();
    await sent;
    go();
    await ended('chat-1');
    return { page: state(page), history: await history('chat-1') };
  },

  async stop() {
    const page = open('chat-1');
    const sent = page.chat.sendMessage({ text: 'One?' });
    await shows(page, 'Patience ... ');
    const stopped = await call('POST', 'chat-1', 'stop');
    await sent;
    return { page: state(page), stopped, history: await history('chat-1') };
  },

  async resume() {
    const line = await cable();
    const page = open('chat-1', { transport: { api: `${line.url}/api/chat` } });
    const sent = page.chat.sendMessage({ text: 'One?' });
    await shows(page, 'Patience ... ');
    line.cut();
    await sent;
    line.close();
    const cut = { status: page.chat.status, messages: structuredClone(page.chat.messages) };
    const back = open('chat-1', {
      messages: await history('chat-1'),
      transport: { api: `${services.at(-1)}/api/chat` },
    });
    const resumed = back.chat.resumeStream();
    await shows(back, 'Patience ... ');
    go();
    await resumed;
    return { cut, page: state(back), history: await history('chat-1') };
  },

  async nothing_to_resume() {
    const fresh = open('never-used');
    await fresh.chat.resumeStream();
    const page = open('chat-1');
    await page.chat.sendMessage({ text: 'One?' });
    await page.chat.resumeStream();
    return { fresh: state(fresh), page: state(page), history: await history('chat-1') };
  },

  async fault() {
    const page = open('chat-1');
    await page.chat.sendMessage({ text: 'One?' });
    return { page: state(page), history: await history('chat-1') };
  },

  async second_tab() {
    const page = open('chat-1');
    const sent = page.chat.sendMessage({ text: 'One?' });
    await shows(page, 'Patience ... ');
    const tab = open('chat-1', { messages: await history('chat-1') });
    await tab.chat.sendMessage({ text: 'Two?' });
    const refused = state(tab);
    tab.chat.messages = tab.chat.messages.slice(0, -1);
    tab.chat.clearError();
    const resumed = tab.chat.resumeStream();
    await shows(tab, 'Patience ... ');
    go();
    await Promise.all([sent, resumed]);
    return { refused, page: state(page), tab: state(tab), history: await history('chat-1') };
  },

  async refused() {
    const page = open('chat-1');
    const said = [];
    for (const message of [
      { text: ' ' },
      { text: 'nul \0' },
      { text: 'Look:', files: [{ type: 'file', mediaType: 'text/plain', url: 'data:text/plain,hi' }] },
    ]) {
      await page.chat.sendMessage(message);
      said.push(state(page).error);
    }
    return { said, finished: page.told.finished };
  },

  async odd_ids() {
    const page = open(ODD, { generateId: () => `${ODD} ${page.chat.messages.length}` });
    const sent = page.chat.sendMessage({ text: 'One?' });
    await shows(page, 'Patience ... ');
    const tab = open(ODD, { messages: await history(ODD) });
    const resumed = tab.chat.resumeStream();
    await shows(tab, 'Patience ... ');
    const stopped = await call('POST', ODD, 'stop');
    await Promise.all([sent, resumed]);
    go();
    await page.chat.regenerate({ messageId: page.chat.messages[0].id, body: { theme: 'dark' } });
    return { id: ODD, tab: state(tab), stopped, page: state(page), history: await history(ODD) };
  },
};

console.log(JSON.stringify(await scenarios[scenario]()));
