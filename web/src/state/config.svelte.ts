import { request } from '../api/request.ts';
import type { Config } from '../api/shapes.ts';

/** The server's configuration and the caller's scope; null until it is read. */
class ServerConfig {
  value = $state.raw<Config | null>(null);
  readonly mayOperate = $derived(this.value?.scope === 'operate');

  async read(signal?: AbortSignal) {
    this.value = await request<Config>('/api/config', { signal });
  }
}

export const config = new ServerConfig();

/** The URL of a job's workflow on Temporal's page; null if that page is unknown. */
export function temporalLink({ workflow_id, job_id }: { workflow_id: string; job_id: string }): string | null {
  const { temporal_ui_url: ui, temporal_namespace: namespace } = config.value ?? {};
  if (!ui) return null;
  const path = ['namespaces', namespace ?? 'default', 'workflows', workflow_id, job_id].map(encodeURIComponent);
  return `${ui.replace(/\/$/, '')}/${path.join('/')}`;
}
