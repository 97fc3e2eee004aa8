/** Both runs: the SDK's logger, which most of its tests take for granted. */
import { initializeLogger } from '@livekit/agents';

initializeLogger({ pretty: false, level: 'silent' });
