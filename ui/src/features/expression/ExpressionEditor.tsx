/** A field for one expression: colours, completion, findings in words, and a try on the last run. */
import { ActionIcon, Tooltip } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { CircleAlert, Play, TriangleAlert } from "lucide-react";
import { useMemo, useRef, useState } from "react";
import { Words } from "../../components/Words";
import CodeEditor from "./CodeEditor";
import classes from "./ExpressionEditor.module.css";
import { jsonataExtensions } from "./jsonata-extensions";
import { lintExpression } from "./lint";
import type { ExpressionScope } from "./scope";
import TryExpression from "./TryExpression";

export interface ExpressionEditorProps {
  /** The source, without `{% %}`. */
  source: string;
  onChange: (source: string) => void;
  scope: ExpressionScope;
  label: string;
  /** Id of the workflow, for the run that `Try` uses. */
  workflow?: string | undefined;
  isSingleLine?: boolean;
  isReadOnly?: boolean;
  isInvalid?: boolean;
  placeholder?: string | undefined;
  id?: string | undefined;
  describedBy?: string | undefined;
}

export default function ExpressionEditor({
  source,
  onChange,
  scope,
  label,
  workflow,
  isSingleLine = false,
  isReadOnly = false,
  isInvalid = false,
  placeholder,
  id,
  describedBy,
}: ExpressionEditorProps) {
  const latest = useRef(scope);
  latest.current = scope;
  const extensions = useMemo(() => jsonataExtensions(() => latest.current), []);
  const [settled] = useDebouncedValue(source, 400);
  const finding = useMemo(() => lintExpression(settled, latest.current)[0], [settled]);
  const [isTrying, setTrying] = useState(false);
  const shown = settled === source ? finding : undefined;
  return (
    <div className={classes.box}>
      <div className={classes.row}>
        <span className={classes.mark} aria-hidden="true">
          fx
        </span>
        <div className={classes.editor}>
          <CodeEditor
            value={source}
            onChange={onChange}
            label={label}
            extensions={extensions}
            isSingleLine={isSingleLine}
            isCompact
            isReadOnly={isReadOnly}
            isInvalid={isInvalid || shown?.severity === "error"}
            placeholder={placeholder}
            id={id}
            describedBy={describedBy}
          />
        </div>
        {workflow !== undefined && source.trim() !== "" && (
          <Tooltip label="Try it on the last run">
            <ActionIcon
              size="sm"
              className={classes.try ?? ""}
              aria-label="Try the expression on the last run"
              aria-expanded={isTrying}
              onClick={() => setTrying(!isTrying)}
            >
              <Play size={13} />
            </ActionIcon>
          </Tooltip>
        )}
      </div>
      {shown && (
        <div className={classes.finding} data-severity={shown.severity} role="status">
          {shown.severity === "error" ? <CircleAlert size={13} /> : <TriangleAlert size={13} />}
          <span>
            <Words text={shown.message} />
          </span>
        </div>
      )}
      {isTrying && workflow !== undefined && (
        <TryExpression source={source} run={scope.run} workflow={workflow} onClose={() => setTrying(false)} />
      )}
    </div>
  );
}
