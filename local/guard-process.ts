// Outlives the process that started the stack, for as long as it takes to stop what that one left behind. It reads lists
// of processes from its input; the end of the input, which comes however its parent dies, is the order to end them.
import { createInterface } from 'node:readline';
import { endProcess } from './end-process.ts';
import type { GuardedTiers } from './guard.ts';

let tiers: GuardedTiers = [];
const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  tiers = JSON.parse(line) as GuardedTiers;
});
input.on('close', async () => {
  for (const tier of tiers) await Promise.all(tier.map((member) => endProcess(member, member.graceMs)));
  process.exit(0);
});
