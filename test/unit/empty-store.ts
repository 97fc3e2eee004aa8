/** A store that knows nobody and takes everything: for what a keeper does before it seals. */
export const emptyStore = {
  putSession: async () => {},
  session: async () => undefined,
  report: async () => undefined,
  unsealed: async () => [],
  withoutReport: async () => [],
  dropSession: async () => {},
};
