/**
 * A web page that calls an agent and says "One moment …" where the agent's process dies, instead of standing still: the
 * page (call-page.html), the two scripts that it imports, and a token for each call.
 *
 *   npm i lastword livekit-client livekit-server-sdk
 *   LIVEKIT_URL=… LIVEKIT_API_KEY=… LIVEKIT_API_SECRET=… LIVEKIT_AGENT_NAME=… node call-page.mjs
 *
 * Whoever opens the page may call. Before you show it to anybody but yourself, ask in `tokenFor` who they are.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { AccessToken, RoomAgentDispatch, RoomConfiguration } from 'livekit-server-sdk';

const { LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET, LIVEKIT_AGENT_NAME = '', PORT = '8080' } = process.env;

const files = {
  '/': ['text/html', new URL('call-page.html', import.meta.url)],
  '/livekit-client.js': ['text/javascript', new URL(import.meta.resolve('livekit-client'))],
  '/lastword-client.js': ['text/javascript', new URL(import.meta.resolve('lastword/client'))],
};

/** A room of its own for each caller, in which this agent is called for. */
async function tokenFor(caller) {
  const room = `call-${randomUUID()}`;
  const token = new AccessToken(LIVEKIT_API_KEY, LIVEKIT_API_SECRET, { identity: caller, ttl: '10m' });
  token.addGrant({ room, roomJoin: true, canPublish: true, canSubscribe: true, canPublishData: false });
  token.roomConfig = new RoomConfiguration({ agents: [new RoomAgentDispatch({ agentName: LIVEKIT_AGENT_NAME })] });
  return { url: LIVEKIT_URL, token: await token.toJwt() };
}

const server = createServer(async ({ method, url = '' }, response) => {
  try {
    const file = files[url];
    if (method === 'GET' && file) {
      const [type, path] = file;
      response.writeHead(200, { 'content-type': type }).end(await readFile(fileURLToPath(path)));
    } else if (method === 'POST' && url === '/token') {
      const answer = await tokenFor(`caller-${randomUUID()}`);
      response
        .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
        .end(JSON.stringify(answer));
    } else response.writeHead(404).end();
  } catch (error) {
    console.error(error);
    response.writeHead(500).end('no token could be made');
  }
});
server.listen(Number(PORT), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
