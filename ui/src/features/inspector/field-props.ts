/** What every widget gets. */
import type { Field } from "../../bindings/Field";

export interface FieldProps {
  field: Field;
  /** As it is stored; `undefined` if absent. */
  value: unknown;
  /** `undefined` takes the key out of the document. */
  onChange: (value: unknown) => void;
  /** `with.rules[2].column`: as findings name it. */
  path: string;
  /** Id of the control that the label points to. */
  inputId: string;
  describedBy: string | undefined;
  isInvalid: boolean;
  isReadOnly: boolean;
}
