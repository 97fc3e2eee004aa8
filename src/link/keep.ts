/** How long sealed sessions are kept: journal, report and deliveries. What the worker says, and the keeper carries out. */
export type Keep = {
  /** Days after the seal. Default 30. */
  days?: number;
  /** Journals and reports together, in gigabytes (10⁹ bytes); above it the oldest go first. Default 10. */
  gigabytes?: number;
};

/** A month to look into a call that went wrong; ten gigabytes are some 100,000 calls of ten minutes (100 kB each). */
export const defaultKeep: Required<Keep> = { days: 30, gigabytes: 10 };
