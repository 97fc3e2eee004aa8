import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['test/bench/ordinary/record.ts'], maxConcurrency: 40 },
});
