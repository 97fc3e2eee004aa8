/** What a report weighs: about 5 KB, as of a call of some minutes. */
const LINES = 28;

export const bodyOfReport = JSON.stringify({
  schema: 1,
  end: { by: 'caller', reason: 'caller_hung_up', fault: 'none' },
  transcript: Array.from({ length: LINES }, (_, index) => ({
    id: `item_${index}`,
    role: index % 2 === 0 ? 'user' : 'assistant',
    text: 'A table for two at seven, please, and one by the window if there is one left.',
    interrupted: false,
    at: 1_795_900_000_000 + index * 4_000,
  })),
});
