// What a control of the form is given.
import type { ComponentChildren } from 'preact';
import type { Json, Path } from '../json/value.ts';
import type { Draft } from './draft.ts';
import type { Field } from './schema.ts';

export interface Editing {
  readonly draft: Draft;
  readonly root: Json;
  readonly change: (draft: Draft) => void;
}

export interface FieldProps extends Editing {
  readonly path: Path;
  readonly name: string;
  readonly field: Field;
  readonly required: boolean;
  readonly onRemove?: () => void;
  readonly extra?: ComponentChildren;
}

export type ControlProps = FieldProps & { readonly id: string };
