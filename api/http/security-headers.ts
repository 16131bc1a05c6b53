import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../context.ts';

/** Policy of the page: nothing from other origins, nothing inline. */
const PAGE_POLICY =
  "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** Policy of users' files: an SVG or HTML file that is opened directly runs no script and requests nothing. */
export const FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/** Policy of a PDF. A browser's viewer is a plugin with a sandbox of its own, and refuses to show a sandboxed file. */
export const PDF_POLICY =
  "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'";

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
  'Content-Security-Policy': PAGE_POLICY,
};

/** Sets headers that the route has not set. Answers of the API are not cached unless the route says so. */
export function securityHeaders(): MiddlewareHandler<ApiEnv> {
  return async function setSecurityHeaders(c, next) {
    await next();
    const { headers } = c.res;
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) if (!headers.has(name)) c.header(name, value);
    if (!headers.has('X-Request-Id')) c.header('X-Request-Id', c.get('requestId'));
    if (!headers.has('Cache-Control')) c.header('Cache-Control', 'no-store');
  };
}
