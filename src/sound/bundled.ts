/** The recordings in the package; what they say is in src/livekit/phrases.ts, how they were made in assets/README.md. */
export const languages = ['en', 'de', 'es', 'fr'] as const;
export type Language = (typeof languages)[number];

export const bundledRecording = (line: 'apology' | 'filler', language: Language): URL =>
  new URL(`./assets/${line}.${language}.wav`, import.meta.url);
