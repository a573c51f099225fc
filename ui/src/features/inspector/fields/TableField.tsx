import { Select, UnstyledButton } from "@mantine/core";
import { Table2 } from "lucide-react";
import { useState } from "react";
import { useCatalog } from "../../../backend/queries";
import type { KindInfo } from "../../../bindings/KindInfo";
import { titleOf } from "../../../state/document";
import { asExpression, expressionSource } from "../../expression/template";
import type { FieldProps } from "../field-props";
import { useForm } from "../form-context";
import classes from "../inspector.module.css";
import ExpressionField from "./ExpressionField";

const PLAIN = /^steps\.(\w+)$/;

/** Whether a step of this kind hands on a table. */
function givesTable(kind: KindInfo | undefined): boolean {
  return (
    kind === undefined ||
    kind.output.some(([name]) => name === "rows" || name === "columns" || name === "table") ||
    kind.category === "data" ||
    kind.category === "quality"
  );
}

/** A table of an earlier step. Whoever needs more than a step writes an expression. */
export default function TableField(props: FieldProps) {
  const { field, value, onChange, inputId, describedBy, isInvalid, isReadOnly } = props;
  const form = useForm();
  const kinds = useCatalog();
  const source = expressionSource(value);
  const chosen = source === null ? undefined : PLAIN.exec(source)?.[1];
  const [isFree, setFree] = useState(false);
  const isExpression = isFree || (value !== undefined && chosen === undefined);
  const data = form.earlier
    .filter((step) => givesTable(kinds.get(step.kind)) || step.id === chosen)
    .map((step) => ({
      value: step.id,
      label: titleOf(step) === step.id ? step.id : `${titleOf(step)} · ${step.id}`,
    }));
  if (chosen !== undefined && !data.some((option) => option.value === chosen)) {
    data.push({ value: chosen, label: `${chosen} (does not come before)` });
  }
  return (
    <>
      {isExpression ? (
        <ExpressionField {...props} />
      ) : (
        <Select
          id={inputId}
          aria-describedby={describedBy}
          error={isInvalid}
          readOnly={isReadOnly}
          leftSection={<Table2 size={14} />}
          data={data}
          value={chosen ?? null}
          onChange={(id) => onChange(id === null ? undefined : asExpression(`steps.${id}`))}
          placeholder={data.length > 0 ? "Choose an earlier step" : "Connect a step that gives a table"}
          nothingFoundMessage="No earlier step gives a table"
          clearable={!field.required}
          searchable={data.length > 8}
          allowDeselect={false}
        />
      )}
      {!isReadOnly && (
        <UnstyledButton
          className={classes.link ?? ""}
          onClick={() => {
            form.newGesture();
            if (isExpression && chosen === undefined) {
              onChange(undefined);
            }
            setFree(!isExpression);
          }}
        >
          {isExpression ? "Choose a step instead" : "Write an expression instead"}
        </UnstyledButton>
      )}
    </>
  );
}
