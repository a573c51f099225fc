/** CodeMirror as a controlled React field. */
import { closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { lintKeymap } from "@codemirror/lint";
import { Annotation, Compartment, EditorState, type Extension } from "@codemirror/state";
import { EditorView, keymap, lineNumbers, placeholder as placeholderOf, tooltips } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import classes from "./CodeEditor.module.css";

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--code-number)" },
  { tag: [tags.comment], color: "var(--code-comment)", fontStyle: "italic" },
  { tag: [tags.propertyName, tags.name], color: "var(--code-name)" },
  {
    tag: [tags.special(tags.variableName), tags.function(tags.variableName), tags.typeName],
    color: "var(--code-function)",
  },
  { tag: [tags.operator, tags.punctuation], color: "var(--code-punctuation)" },
]);

/** Marks a change that came from the document, not from the keyboard. */
const fromOutside = Annotation.define<boolean>();

const oneLine = EditorState.transactionFilter.of((transaction) => {
  if (!transaction.docChanged || transaction.newDoc.lines === 1) {
    return transaction;
  }
  const text = transaction.newDoc.toString().replace(/\s*\n\s*/g, " ");
  return [
    {
      changes: { from: 0, to: transaction.startState.doc.length, insert: text },
      selection: { anchor: Math.min(transaction.newSelection.main.head, text.length) },
      annotations: transaction.annotation(fromOutside) ? [fromOutside.of(true)] : [],
    },
  ];
});

export interface CodeEditorProps {
  value: string;
  onChange: (value: string) => void;
  label: string;
  /** Language, completion, linting; keep the identity stable. */
  extensions?: Extension;
  /** One line only: Enter adds none. */
  isSingleLine?: boolean;
  /** As high as its text, not as a text area. */
  isCompact?: boolean;
  hasLineNumbers?: boolean;
  isReadOnly?: boolean;
  isInvalid?: boolean;
  placeholder?: string | undefined;
  id?: string | undefined;
  describedBy?: string | undefined;
  onBlur?: () => void;
}

const none: Extension = [];

export default function CodeEditor({
  value,
  onChange,
  label,
  extensions = none,
  isSingleLine = false,
  isCompact = false,
  hasLineNumbers = false,
  isReadOnly = false,
  isInvalid = false,
  placeholder,
  id,
  describedBy,
  onBlur,
}: CodeEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const handlers = useRef({ onChange, onBlur });
  const slots = useRef({ extra: new Compartment(), access: new Compartment(), look: new Compartment() });
  const first = useRef(value);
  handlers.current = { onChange, onBlur };

  useEffect(() => {
    const parent = host.current;
    if (!parent) {
      return;
    }
    const editor = new EditorView({
      parent,
      state: EditorState.create({
        doc: first.current,
        extensions: [
          history(),
          bracketMatching(),
          closeBrackets(),
          syntaxHighlighting(colours),
          EditorView.lineWrapping,
          tooltips({ position: "fixed", parent: document.body }),
          isSingleLine ? oneLine : [],
          hasLineNumbers ? lineNumbers() : [],
          // Tab leaves the field: the keyboard must never be trapped in a form.
          keymap.of([
            ...completionKeymap,
            ...closeBracketsKeymap,
            ...defaultKeymap,
            ...historyKeymap,
            ...lintKeymap,
          ]),
          slots.current.extra.of([]),
          slots.current.access.of([]),
          slots.current.look.of([]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged && !update.transactions.some((one) => one.annotation(fromOutside))) {
              handlers.current.onChange(update.state.doc.toString());
            }
          }),
          EditorView.domEventHandlers({
            blur: () => handlers.current.onBlur?.(),
          }),
        ],
      }),
    });
    view.current = editor;
    return () => {
      view.current = null;
      editor.destroy();
    };
  }, [isSingleLine, hasLineNumbers]);

  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== value) {
      editor.dispatch({
        changes: { from: 0, to: editor.state.doc.length, insert: value },
        annotations: fromOutside.of(true),
      });
    }
    first.current = value;
  }, [value]);

  useEffect(() => {
    view.current?.dispatch({ effects: slots.current.extra.reconfigure(extensions) });
  }, [extensions]);

  useEffect(() => {
    view.current?.dispatch({
      effects: [
        slots.current.access.reconfigure([
          EditorState.readOnly.of(isReadOnly),
          EditorView.editable.of(!isReadOnly),
        ]),
        slots.current.look.reconfigure([
          placeholder ? placeholderOf(placeholder) : [],
          EditorView.contentAttributes.of({
            "aria-label": label,
            "aria-invalid": String(isInvalid),
            ...(id === undefined ? {} : { id }),
            ...(describedBy === undefined ? {} : { "aria-describedby": describedBy }),
          }),
        ]),
      ],
    });
  }, [isReadOnly, isInvalid, placeholder, label, id, describedBy]);

  return (
    <div
      ref={host}
      className={classes.editor}
      data-single={isSingleLine || isCompact || undefined}
      data-invalid={isInvalid || undefined}
      data-readonly={isReadOnly || undefined}
    />
  );
}
