import type { AnyTools, Options, Tools, View } from './types.js';
export type * from './types.js';
/** A tool call that failed. */
export declare class ToolError extends Error {
    readonly name = "ToolError";
    /** The scopes that the user has to grant first. */
    readonly missingScopes: readonly string[];
    /** A stable identifier, such as `scope_missing`. */
    readonly kind: string | undefined;
    /** Opens the link by which the user grants them, if the server sent one. */
    readonly connect?: () => Promise<void>;
}
/** Returns the view of this page. A page has one: a second call returns the same. */
export declare function view<Props, T extends Tools<T> = AnyTools, Arguments = Record<string, unknown>>(options?: Options): View<Props, T, Arguments>;
declare global {
    /** What `<script toolgate></script>` defines. */
    var toolgate: {
        view: typeof view;
        ToolError: typeof ToolError;
    };
}
