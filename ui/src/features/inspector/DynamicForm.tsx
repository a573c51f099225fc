/** One form for every kind of step, made from its description. */
import type { Field } from "../../bindings/Field";
import FieldFrame from "./FieldFrame";
import { groupsOf, isVisible, type Values, withValue } from "./form-values";
import classes from "./inspector.module.css";

interface DynamicFormProps {
  fields: readonly Field[];
  values: Values;
  /** Where the values stand: `with`, `with.rules[2]`. */
  path: string;
  onChange: (values: Values, field: string) => void;
}

export default function DynamicForm({ fields, values, path, onChange }: DynamicFormProps) {
  const shown = fields.filter((field) => isVisible(field, fields, values));
  return (
    <div className={classes.form}>
      {groupsOf(shown).map((group) => (
        <div
          key={group.title ?? group.fields[0]?.name}
          className={classes.group}
          data-titled={group.title ? true : undefined}
        >
          {group.title && <h4 className={classes.groupTitle}>{group.title}</h4>}
          {group.fields.map((field) => (
            <FieldFrame
              key={field.name}
              field={field}
              value={values[field.name]}
              path={`${path}.${field.name}`}
              onChange={(value) => onChange(withValue(values, field.name, value), field.name)}
            />
          ))}
        </div>
      ))}
    </div>
  );
}
