import type { MiddlewareHandler } from 'hono';
import type { ApiEnv } from '../context.ts';

/** The page's: nothing from elsewhere, nothing inline. */
const PAGE_POLICY =
  "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** Of what people's files hold: an SVG or an HTML that is opened by itself runs nothing and asks for nothing. */
export const FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
  'Content-Security-Policy': PAGE_POLICY,
};

/** Sets what is not set yet: a route may know better. Answers of the API are not kept unless it says so. */
export function securityHeaders(): MiddlewareHandler<ApiEnv> {
  return async function setSecurityHeaders(c, next) {
    await next();
    const { headers } = c.res;
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) if (!headers.has(name)) c.header(name, value);
    if (!headers.has('Cache-Control')) c.header('Cache-Control', 'no-store');
  };
}
