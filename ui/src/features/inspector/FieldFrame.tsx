/** Label, plain/expression switch, widget, help and findings of one field. */
import { SegmentedControl, Tooltip } from "@mantine/core";
import { CircleAlert, Info, ServerCog, TriangleAlert } from "lucide-react";
import { useId, useState } from "react";
import type { Field } from "../../bindings/Field";
import type { Widget } from "../../bindings/Widget";
import { Words } from "../../components/Words";
import { asExpression, expressionSource, isExpression } from "../expression/template";
import ExpressionField from "./fields/ExpressionField";
import { FIELDS } from "./fields/index";
import { type Finding, isWithin, useForm } from "./form-context";
import classes from "./inspector.module.css";

/** These write expressions themselves, or hold rows that do. */
const OWN_EXPRESSIONS: ReadonlySet<Widget> = new Set(["expression", "condition", "table", "mapping", "list"]);
/** The label of these stands beside the control. */
const BESIDE: ReadonlySet<Widget> = new Set(["switch"]);
/** Their parts show their own findings. */
const NESTED: ReadonlySet<Widget> = new Set(["list"]);

interface FieldFrameProps {
  field: Field;
  value: unknown;
  path: string;
  onChange: (value: unknown) => void;
}

export default function FieldFrame({ field, value, path, onChange }: FieldFrameProps) {
  const form = useForm();
  const id = useId();
  const [wantsExpression, setWantsExpression] = useState(false);
  const canSwitch =
    field.expression &&
    (!OWN_EXPRESSIONS.has(field.widget) ||
      (isExpression(value) && (field.widget === "mapping" || field.widget === "list")));
  const isFx = canSwitch && (isExpression(value) || (wantsExpression && value === undefined));
  const problems = form.problems.filter((problem) => {
    const at = problem.place.field ?? "";
    return NESTED.has(field.widget) && !isFx ? at === path : isWithin(at, path);
  });
  const isInvalid = problems.some((problem) => problem.severity === "error" && problem.on === undefined);
  const helpId = field.help || problems.length > 0 ? `${id}-help` : undefined;
  const Control = isFx ? ExpressionField : FIELDS[field.widget];
  const isBeside = BESIDE.has(field.widget) && !isFx;

  const toggle = (mode: string) => {
    form.newGesture();
    if (mode === "fx") {
      setWantsExpression(true);
      onChange(value === undefined ? undefined : asExpression(JSON.stringify(value)));
      return;
    }
    setWantsExpression(false);
    onChange(plainOf(expressionSource(value)));
  };

  return (
    <div
      className={classes.field}
      data-testid={`field-${field.name}`}
      data-field-path={path}
      onFocusCapture={() => form.newGesture()}
    >
      <div className={classes.labelRow}>
        <label className={classes.label} htmlFor={`${id}-input`} id={`${id}-label`}>
          {field.label}
          {field.required && (
            <span className={classes.required} title="Needed" aria-hidden="true">
              *
            </span>
          )}
          {field.required && <span className="bt-visually-hidden"> (needed)</span>}
        </label>
        {canSwitch && (
          <Tooltip label={isFx ? "Written as an expression" : "Written as a plain value"}>
            <SegmentedControl
              size="xs"
              className={classes.fx ?? ""}
              data-testid={`fx-${field.name}`}
              aria-label={`How ${field.label} is written`}
              disabled={form.isReadOnly}
              value={isFx ? "fx" : "plain"}
              onChange={toggle}
              data={[
                { value: "plain", label: "Plain" },
                { value: "fx", label: "fx" },
              ]}
            />
          </Tooltip>
        )}
        {isBeside && (
          <Control
            field={field}
            value={value}
            onChange={onChange}
            path={path}
            inputId={`${id}-input`}
            describedBy={helpId}
            isInvalid={isInvalid}
            isReadOnly={form.isReadOnly}
          />
        )}
      </div>
      {!isBeside && (
        <Control
          field={field}
          value={value}
          onChange={onChange}
          path={path}
          inputId={`${id}-input`}
          describedBy={helpId}
          isInvalid={isInvalid}
          isReadOnly={form.isReadOnly}
        />
      )}
      {helpId && (
        <div id={helpId} className={classes.below}>
          {problems.map((problem) => (
            <ProblemLine
              key={`${problem.on}${problem.code}${problem.place.field}${problem.message}`}
              problem={problem}
            />
          ))}
          {field.help && (
            <p className={classes.help}>
              <Words text={field.help} isPlain />
            </p>
          )}
        </div>
      )}
    </div>
  );
}

/** A literal stays when the switch goes back to plain; anything else cannot be kept. */
function plainOf(source: string | null): unknown {
  try {
    return source === null || source === "" ? undefined : (JSON.parse(source) as unknown);
  } catch {
    return undefined;
  }
}

export function ProblemLine({ problem }: { problem: Finding }) {
  const { on } = problem;
  if (on !== undefined) {
    return (
      <p className={classes.problem} data-severity="target" role="status" data-testid="target-hint">
        <ServerCog size={13} aria-hidden />
        <span>
          <b>On {on}:</b> <Words text={problem.message} isPlain />
          {problem.hint && "."}
          {problem.hint && (
            <span className={classes.hint}>
              {" "}
              <Words text={problem.hint} />
            </span>
          )}
        </span>
      </p>
    );
  }
  const Icon =
    problem.severity === "error" ? CircleAlert : problem.severity === "warning" ? TriangleAlert : Info;
  return (
    <p
      className={classes.problem}
      data-severity={problem.severity}
      role={problem.severity === "error" ? "alert" : "status"}
    >
      <Icon size={13} aria-label={problem.severity} />
      <span>
        <Words text={problem.message} />
        {problem.hint && "."}
        {problem.hint && (
          <span className={classes.hint}>
            {" "}
            <Words text={problem.hint} />
          </span>
        )}
      </span>
    </p>
  );
}
