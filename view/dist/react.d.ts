import { type AnyTools, type Options, type State, type Tools, type View } from './toolgate-view.js';
/** The state of the view and its methods. */
export type Toolgate<Props, T extends Tools<T> = AnyTools, Arguments = Record<string, unknown>> = State<Props, Arguments> & Pick<View<Props, T, Arguments>, 'callTool' | 'refresh' | 'sendMessage' | 'openLink' | 'connect' | 'requestDisplayMode'>;
/** Returns the state of the view and its methods. The component renders again at every change. */
export declare function useToolgate<Props, T extends Tools<T> = AnyTools, Arguments = Record<string, unknown>>(options?: Options): Toolgate<Props, T, Arguments>;
