import { ProblemError, request } from '../api/request.ts';
import { live } from './live.svelte.ts';
import { session } from './session.svelte.ts';

/** Begins a session with a token. The form says why the token was not taken. */
export async function signIn(token: string): Promise<void> {
  try {
    await request('/api/session', { method: 'POST', body: { token } });
    session.admitted();
    live.retryNow();
  } catch (error) {
    const isUnknown = error instanceof ProblemError && error.status === 401;
    session.refused(isUnknown ? 'This server does not know that token.' : (error as Error).message);
  }
}

/** Ends the session. The page begins anew, so nothing that was read stays in it. */
export async function signOut(): Promise<void> {
  await request('/api/session', { method: 'DELETE' });
  window.location.replace('/');
}

const tokenOfAddress = () => new URLSearchParams(window.location.hash.slice(1)).get('token');

/** Signs in with the token of a link, `/#token=…`. The address and the history lose it first. */
export async function signInByAddress(): Promise<void> {
  // A link that is followed in an open page changes the fragment alone.
  window.addEventListener('hashchange', () => tokenOfAddress() !== null && window.location.reload());
  const token = tokenOfAddress();
  if (token === null) return;
  history.replaceState(history.state, '', `${window.location.pathname}${window.location.search}`);
  await signIn(token);
}
