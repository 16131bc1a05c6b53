import { describe, expect, it } from 'vitest';
import type { EmbedOptions, EmbedOutcome } from '../../core/embedding/embedder.ts';
import { keepLastWords, type Words } from '../../inference/last-words.ts';

const words = (value: string): Words => ({ value, content: `hash of ${value}` });

/** A text side whose vector of a text is the number of its run. Empty texts fail. */
function countingRunner() {
  const runs: string[][] = [];
  return {
    runs,
    async embed(items: readonly unknown[], { findKnown }: EmbedOptions = {}): Promise<EmbedOutcome[]> {
      const texts = items as Words[];
      runs.push(texts.map(({ value }) => value));
      await findKnown?.(texts.map(({ content }) => content));
      return texts.map(({ value, content }) =>
        value === ''
          ? { error: { code: 'empty_text', message: 'no words' } }
          : { vector: Float32Array.of(runs.length), content },
      );
    },
  };
}

describe('the last words', () => {
  it('are not run again, and keep their places among new ones', async () => {
    const runner = countingRunner();
    const embed = keepLastWords(runner);
    const [first] = await embed([words('red')]);
    const all = await embed([words('blue'), words('red'), words('green')]);
    expect(runner.runs).toEqual([['red'], ['blue', 'green']]);
    expect(all[1]).toBe(first);
    expect(all).toMatchObject([{ content: 'hash of blue' }, { content: 'hash of red' }, { content: 'hash of green' }]);
    expect(await embed([words('green'), words('blue')])).toEqual([all[2], all[0]]);
    expect(runner.runs).toHaveLength(2);
  });

  it('are sixty-four: those that were used before them are run again', async () => {
    const runner = countingRunner();
    const embed = keepLastWords(runner);
    await embed([words('used')]);
    await embed([words('unused')]);
    for (let n = 0; n < 62; n += 1) await embed([words(`other ${n}`)]);
    await embed([words('used')]);
    await embed([words('one more')]);
    expect(runner.runs).toHaveLength(65);
    await embed([words('used')]);
    expect(runner.runs).toHaveLength(65);
    await embed([words('unused')]);
    expect(runner.runs).toHaveLength(66);
  });

  it('do not include words that failed', async () => {
    const runner = countingRunner();
    const embed = keepLastWords(runner);
    await embed([words('')]);
    expect(await embed([words('')])).toMatchObject([{ error: { code: 'empty_text' } }]);
    expect(runner.runs).toHaveLength(2);
  });

  it('are not used where the caller asks which vectors it has', async () => {
    const embed = keepLastWords(countingRunner());
    await embed([words('red')]);
    const asked: string[] = [];
    const findKnown = async (contents: readonly string[]) => {
      asked.push(...contents);
      return new Set<string>();
    };
    await embed([words('red')], { findKnown });
    expect(asked).toEqual(['hash of red']);
  });
});
