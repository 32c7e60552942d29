/** What the tabs of one browser tell each other, so that they agree without asking the service. */

export class Channel {
  /** `account` keeps the tabs of two users apart; `heard` is called with what the others tell. */
  constructor(account, heard) {
    this.channel = new BroadcastChannel(`chat-history ${account}`);
    this.channel.onmessage = ({ data }) => heard(data);
  }

  tell(news) {
    this.channel.postMessage(news);
  }

  close() {
    this.channel.close();
  }
}
