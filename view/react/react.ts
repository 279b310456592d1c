import { useMemo, useSyncExternalStore } from 'react';
import { view, type AnyTools, type Options, type State, type Tools, type View } from 'toolgate-view';

/** The state of the view and its methods. */
export type Toolgate<Props, T extends Tools<T> = AnyTools, Arguments = Record<string, unknown>> = State<Props, Arguments> &
  Pick<View<Props, T, Arguments>, 'callTool' | 'refresh' | 'sendMessage' | 'openLink' | 'connect' | 'requestDisplayMode'>;

/** Returns the state of the view and its methods. The component renders again at every change. */
export function useToolgate<Props, T extends Tools<T> = AnyTools, Arguments = Record<string, unknown>>(
  options?: Options,
): Toolgate<Props, T, Arguments> {
  const own = view<Props, T, Arguments>(options);
  const state = useSyncExternalStore(own.onchange, () => own.state);
  return useMemo(() => {
    const { callTool, refresh, sendMessage, openLink, connect, requestDisplayMode } = own;
    return { ...state, callTool, refresh, sendMessage, openLink, connect, requestDisplayMode };
  }, [own, state]);
}
