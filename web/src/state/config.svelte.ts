import { request } from '../api/request.ts';
import type { Config } from '../api/shapes.ts';

/** What this server is, and what the caller may do; null until it has said. */
class ServerConfig {
  value = $state.raw<Config | null>(null);
  readonly mayOperate = $derived(this.value?.scope === 'operate');

  async read(signal?: AbortSignal) {
    this.value = await request<Config>('/api/config', { signal });
  }
}

export const config = new ServerConfig();

/** The workflow of a job on Temporal's own page; null where that page is not known. */
export function temporalLink({ workflow_id, job_id }: { workflow_id: string; job_id: string }): string | null {
  const { temporal_ui_url: ui, temporal_namespace: namespace } = config.value ?? {};
  if (!ui) return null;
  const path = ['namespaces', namespace ?? 'default', 'workflows', workflow_id, job_id].map(encodeURIComponent);
  return `${ui.replace(/\/$/, '')}/${path.join('/')}`;
}
