// Ends the processes of a stack when the process that started the stack dies. It reads lists of processes from its
// input. The input closes however the parent dies, and then the guard ends the processes of the last list.
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
