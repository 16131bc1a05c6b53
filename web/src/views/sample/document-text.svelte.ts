import { isAborted, request } from '../../api/request.ts';
import type { DocumentChunk, DocumentPage } from '../../api/shapes.ts';
import { samplePath } from '../../state/route.ts';

/** Chunks of one request. */
const PAGE = 30;
/** The most chunks in memory, as far as those that are far from the window can be dropped. */
const MOST = 120;

/** The text of a document around a chunk, read on at both ends. */
export class DocumentText {
  /** All that the answers say of the document; undefined until the first one. */
  about = $state.raw<Omit<DocumentPage, 'chunks' | 'before' | 'after'>>();
  /** The chunks that are read, in order and without a gap. */
  chunks = $state.raw<readonly DocumentChunk[]>([]);
  error = $state.raw<Error>();
  readonly before = $derived(this.chunks[0]?.part ?? 0);
  readonly after = $derived(this.about === undefined ? 0 : this.about.count - 1 - (this.chunks.at(-1)?.part ?? -1));
  readonly #dataset: string;
  #seq: number | undefined;
  #reading: AbortController | undefined;

  constructor(dataset: string) {
    this.#dataset = dataset;
  }

  has = (seq: number) => this.chunks.some((chunk) => chunk.seq === seq);

  /** Reads the document around a chunk, unless the chunk is here. */
  async open(seq: number): Promise<void> {
    this.#seq = seq;
    if (this.has(seq)) return;
    this.chunks = [];
    this.about = undefined;
    await this.#read({}, ({ chunks }) => chunks);
  }

  /** Reads on at one end, unless something is being read. Returns whether anything was. */
  async more(side: 'before' | 'after'): Promise<boolean> {
    if (this.#reading !== undefined || this[side] <= 0) return false;
    const [first, last] = [this.chunks[0]?.part ?? 0, this.chunks.at(-1)?.part ?? -1];
    const from = side === 'after' ? last + 1 : Math.max(0, first - PAGE);
    const limit = side === 'after' ? PAGE : first - from;
    const count = this.about?.count;
    return this.#read({ from, limit }, (page) => {
      // A load has changed the document: its parts are others now.
      if (page.count !== count || page.chunks.length !== Math.min(limit, (count ?? 0) - from)) return undefined;
      return side === 'after' ? [...this.chunks, ...page.chunks] : [...page.chunks, ...this.chunks];
    });
  }

  /** Drops chunks outside a range of offsets, if there are many. They are read again when they are needed. */
  keep(from: number, to: number) {
    const spare = this.chunks.length - MOST;
    const first = this.chunks.findIndex(({ end }) => end >= from);
    const last = this.chunks.findLastIndex(({ start }) => start <= to);
    if (spare <= 0 || first < 0 || last < 0) return;
    const dropped = Math.min(first, spare);
    this.chunks = this.chunks.slice(dropped, Math.max(last + 1, this.chunks.length - (spare - dropped)));
  }

  stop() {
    this.#reading?.abort();
    this.#reading = undefined;
  }

  async #read(
    { from, limit = PAGE }: { from?: number; limit?: number },
    joined: (page: DocumentPage) => readonly DocumentChunk[] | undefined,
  ): Promise<boolean> {
    this.stop();
    if (this.#seq === undefined) return false;
    const reading = new AbortController();
    this.#reading = reading;
    const query = new URLSearchParams({ limit: String(limit), ...(from === undefined ? {} : { from: String(from) }) });
    const url = `/api${samplePath(this.#dataset, this.#seq)}/document`;
    try {
      const page = await request<DocumentPage>(url, { query, signal: reading.signal });
      if (reading.signal.aborted) return false;
      const chunks = joined(page);
      if (chunks === undefined) {
        this.chunks = [];
        await this.#read({}, (anew) => anew.chunks);
        return false;
      }
      const { chunks: _, before, after, ...about } = page;
      this.about = about;
      this.chunks = chunks;
      this.error = undefined;
      return true;
    } catch (error) {
      if (!reading.signal.aborted && !isAborted(error)) this.error = error as Error;
      return false;
    } finally {
      if (this.#reading === reading) this.#reading = undefined;
    }
  }
}
