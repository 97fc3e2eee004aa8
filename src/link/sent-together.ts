/** As long as a transaction's flush on a quick disk: below that, the reader is still at the piece before. */
const PAUSE_MS = 1;

/**
 * Messages go in pieces: those of one turn of the loop, and of a channel at work those of a millisecond. Each piece costs
 * its sender and its reader a system call and a change of threads, which were a third of a delivery. In order.
 */
export const sentTogether = <Message>(send: (messages: Message[]) => void): ((message: Message) => void) => {
  let waiting: Message[] = [];
  let sentAt = -Infinity;
  const flush = () => {
    const messages = waiting;
    waiting = [];
    sentAt = performance.now();
    send(messages);
  };
  return (message) => {
    if (waiting.push(message) > 1) return;
    if (performance.now() - sentAt < PAUSE_MS) setTimeout(flush, PAUSE_MS);
    else setImmediate(flush);
  };
};
