// One conversation's line to the server: what is said is repeated until it is taken, what is told comes once, in order.

const RETRY_FIRST = 500;
const RETRY_MOST = 15000;

export class Conversation {
  // `outbox` is { load, save } of what is not taken yet; `on` has line, taken, refused and state.
  constructor(token, outbox, on) {
    this.token = token;
    this.outbox = outbox;
    this.on = on;
    this.last = 0;
    this.retry = RETRY_FIRST;
    this.timer = 0;
    this.later = 0;
    this.socket = null;
    this.waiting = outbox.load();
  }

  open() {
    const address = new URL("conversation", location.href.split("#")[0]);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    this.socket = socket;
    this.on.state("connecting");
    socket.onopen = () => this.#tell({ type: "hello", token: this.token, after: this.last });
    socket.onmessage = (event) => this.#take(JSON.parse(event.data));
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.on.state("lost");
      this.timer = setTimeout(() => this.open(), this.retry);
      this.retry = Math.min(RETRY_MOST, this.retry * 2);
    };
  }

  close() {
    clearTimeout(this.timer);
    clearTimeout(this.later);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  // Try now instead of at the next attempt's time.
  hurry() {
    if (!this.socket || this.socket.readyState <= WebSocket.OPEN) return;
    clearTimeout(this.timer);
    this.open();
  }

  say(words) {
    this.waiting.push(words);
    this.outbox.save(this.waiting);
    this.#tell({ type: "say", ...words });
  }

  #tell(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  #drop(id) {
    this.waiting = this.waiting.filter((words) => words.id !== id);
    this.outbox.save(this.waiting);
  }

  #repeat() {
    for (const words of this.waiting) this.#tell({ type: "say", ...words });
  }

  #take(message) {
    switch (message.type) {
      case "ready":
        this.retry = RETRY_FIRST;
        this.on.state("open");
        this.#repeat();
        break;
      case "line":
        if (message.line.number <= this.last) break;
        this.last = message.line.number;
        this.on.line(message.line);
        this.#tell({ type: "confirm", number: this.last });
        break;
      case "taken":
        this.#drop(message.id);
        this.on.taken(message);
        break;
      case "not_taken":
        if (message.retry_after) {
          clearTimeout(this.later);
          this.later = setTimeout(() => this.#repeat(), message.retry_after * 1000);
        } else this.#drop(message.id);
        this.on.refused(message);
        break;
    }
  }
}
