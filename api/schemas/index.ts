/** The request and response types of the HTTP API. They do not use Node, so the page can import them. */
export * from './datasets.ts';
export * from './documents.ts';
export * from './events.ts';
export * from './failures.ts';
export * from './jobs.ts';
export * from './limits.ts';
export * from './problem.ts';
export * from './samples.ts';
export * from './schedules.ts';
export * from './search.ts';
export * from './server.ts';
