/**
 * Messages of one turn of the loop go in one piece: each costs its sender and its reader a system call otherwise, and
 * a relay at work says four for a row. In order; none is kept for longer than the turn.
 */
export const sentTogether = <Message>(send: (messages: Message[]) => void): ((message: Message) => void) => {
  let waiting: Message[] = [];
  const flush = () => {
    const messages = waiting;
    waiting = [];
    send(messages);
  };
  return (message) => {
    if (waiting.push(message) === 1) setImmediate(flush);
  };
};
