import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * Returns a text that changes while a process group works: the size of its log and its processor time. The whole group
 * counts, because a program may be a script that starts the real one. Processor time counts, because Temporal logs
 * nothing while it starts and even a starved process gets some. Returns undefined if it can't be read.
 */
export async function signsOfLife(groupId: number, logFile: string): Promise<string | undefined> {
  const logged = await stat(logFile).then(
    ({ size }) => size,
    () => 0,
  );
  const used = process.platform === 'linux' ? await linuxProcessorTime(groupId) : await posixProcessorTime(groupId);
  return used === undefined ? undefined : `${logged} ${used}`;
}

async function linuxProcessorTime(groupId: number): Promise<string | undefined> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const used = await Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      // The command name is in parentheses and may contain spaces, so fields are counted after the last parenthesis.
      const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
      const [group, user, system] = [fields[2], fields[11], fields[12]];
      return Number(group) === groupId ? [`${pid}:${Number(user) + Number(system)}`] : [];
    }),
  );
  return used.flat().length > 0 ? used.flat().join(' ') : undefined;
}

async function posixProcessorTime(groupId: number): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pgid=,pid=,time=']);
    const ofGroup = stdout.split('\n').filter((line) => Number(line.trim().split(/\s+/)[0]) === groupId);
    return ofGroup.length > 0 ? ofGroup.join(' ') : undefined;
  } catch {
    return undefined;
  }
}
