import { type Route, routeOf } from './route.ts';

/** The address bar, as state. */
class Location {
  path = $state(window.location.pathname);
  search = $state(window.location.search);
  readonly route: Route = $derived(routeOf(this.path));
  readonly query: URLSearchParams = $derived(new URLSearchParams(this.search));

  constructor() {
    window.addEventListener('popstate', () => this.#read());
  }

  go(to: string) {
    if (to === `${this.path}${this.search}`) return;
    history.pushState({ from: this.path }, '', to);
    this.#read();
  }

  /** Changes the URL without a history entry, for typing and scrolling. */
  replace(to: string) {
    if (to === `${this.path}${this.search}`) return;
    history.replaceState(history.state, '', to);
    this.#read();
  }

  #read() {
    this.path = window.location.pathname;
    this.search = window.location.search;
  }
}

export const location = new Location();

/** Click handler for an ancestor of links. It follows links within the page without a reload. */
export function followLinks(event: MouseEvent) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    return;
  const link = (event.target as Element).closest('a');
  if (link === null || link.target !== '' || link.hasAttribute('download') || link.origin !== window.location.origin)
    return;
  if (link.pathname.startsWith('/api/')) return;
  event.preventDefault();
  location.go(`${link.pathname}${link.search}`);
}
