import { Connection, type ConnectionOptions } from '@temporalio/client';

type Interceptor = NonNullable<ConnectionOptions['interceptors']>[number];
type Call = ReturnType<Interceptor>;
type Status = { code: number; details: string };

export interface Watcher {
  /** Called with an RPC's name before the RPC is sent. */
  onAsk?(rpc: string): void;
  /** Called with the answer of an RPC; may return another answer. */
  onAnswer?(rpc: string, status: Status): Status;
}

/** A connection to a real server whose calls are watched, and whose answers may be replaced by outdated ones. */
export function watchedConnection(address: string, watcher: Watcher): Promise<Connection> {
  const interceptor: Interceptor = (options, nextCall) => {
    const rpc = options.method_definition.path.split('/').at(-1) ?? '';
    const call = nextCall(options) as Call;
    const start = call.start.bind(call);
    call.start = (metadata, listener) => {
      watcher.onAsk?.(rpc);
      start(metadata, {
        onReceiveMetadata: (received) => listener?.onReceiveMetadata?.(received),
        onReceiveMessage: (message) => listener?.onReceiveMessage?.(message),
        onReceiveStatus: (status) => listener?.onReceiveStatus?.({ ...status, ...watcher.onAnswer?.(rpc, status) }),
      });
    };
    return call;
  };
  return Connection.connect({ address, interceptors: [interceptor] });
}
