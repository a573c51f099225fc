/** The widgets of forms, one component each. */
import type { ComponentType } from "react";
import type { Widget } from "../../../bindings/Widget";
import type { FieldProps } from "../field-props";
import CodeField from "./CodeField";
import ConditionField from "./ConditionField";
import DurationField from "./DurationField";
import ExpressionField from "./ExpressionField";
import FileField from "./FileField";
import JsonField from "./JsonField";
import LinesField from "./LinesField";
import ListField from "./ListField";
import MappingField from "./MappingField";
import NumberField from "./NumberField";
import SchemaField from "./SchemaField";
import SelectField from "./SelectField";
import StringsField from "./StringsField";
import SwitchField from "./SwitchField";
import TableField from "./TableField";
import TextField from "./TextField";
import WorkflowField from "./WorkflowField";

export const FIELDS: Record<Widget, ComponentType<FieldProps>> = {
  text: TextField,
  lines: LinesField,
  code: CodeField,
  number: NumberField,
  switch: SwitchField,
  select: SelectField,
  duration: DurationField,
  file: FileField,
  "save-file": FileField,
  table: TableField,
  expression: ExpressionField,
  condition: ConditionField,
  strings: StringsField,
  mapping: MappingField,
  list: ListField,
  json: JsonField,
  schema: SchemaField,
  workflow: WorkflowField,
};
