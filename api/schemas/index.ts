/** The shapes of the HTTP API: what it takes and what it answers. Free of Node, so that the page can type against them. */
export * from './datasets.ts';
export * from './events.ts';
export * from './failures.ts';
export * from './jobs.ts';
export * from './limits.ts';
export * from './problem.ts';
export * from './samples.ts';
export * from './schedules.ts';
export * from './server.ts';
