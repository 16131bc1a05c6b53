// A worker's process as the stack sees it, without its work: says that it is ready, ends on SIGTERM, and dies on
// request.
import { existsSync } from 'node:fs';

const dieAtOnce = process.env.STAND_IN_DIES;
if (dieAtOnce && existsSync(dieAtOnce)) {
  console.error(`the stand-in was told to die by ${dieAtOnce}`);
  process.exit(7);
}
process.on('SIGTERM', () => {
  process.exit(0);
});
process.on('disconnect', () => {});
setInterval(() => {}, 60_000);
process.send?.({ type: 'ready' });
