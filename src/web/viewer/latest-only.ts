/** Sends values one after another; of those that come while one is on its way only the newest is kept. */

export class LatestOnly<T> {
  readonly #send: (value: T) => Promise<void>;
  #next: { readonly value: T } | undefined;
  #isSending = false;

  constructor(send: (value: T) => Promise<void>) {
    this.#send = send;
  }

  push(value: T): void {
    this.#next = { value };
    if (!this.#isSending) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isSending = true;
    while (this.#next) {
      const { value } = this.#next;
      this.#next = undefined;
      await this.#send(value);
    }
    this.#isSending = false;
  }
}
