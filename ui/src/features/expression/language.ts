/** Colours for expressions: a small tokenizer, no grammar. */
import { StreamLanguage } from "@codemirror/language";

interface State {
  comment: boolean;
}

const ATOMS = new Set(["true", "false", "null"]);
const WORDS = new Set(["and", "or", "in", "function"]);

export const jsonataLanguage = StreamLanguage.define<State>({
  name: "jsonata",
  startState: () => ({ comment: false }),
  token(stream, state) {
    if (state.comment) {
      if (stream.skipTo("*/")) {
        stream.match("*/");
        state.comment = false;
      } else {
        stream.skipToEnd();
      }
      return "comment";
    }
    if (stream.eatSpace()) {
      return null;
    }
    if (stream.match("/*")) {
      state.comment = true;
      return "comment";
    }
    if (stream.match(/^"(?:[^"\\]|\\.)*"?/) || stream.match(/^'(?:[^'\\]|\\.)*'?/)) {
      return "string";
    }
    if (stream.match(/^`[^`]*`?/)) {
      return "propertyName";
    }
    if (stream.match(/^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/)) {
      return "number";
    }
    if (stream.match(/^\$\$?[A-Za-z_]\w*/) || stream.match(/^\$\$?/)) {
      return "variableName.special";
    }
    const word = stream.match(/^[A-Za-z_]\w*/);
    if (word && typeof word !== "boolean") {
      const text = word[0];
      return ATOMS.has(text) ? "atom" : WORDS.has(text) ? "keyword" : "propertyName";
    }
    if (stream.match(/^(?::=|!=|<=|>=|~>|\.\.|\*\*|[-+*/%&=<>?:^@#|])/)) {
      return "operator";
    }
    stream.next();
    return "punctuation";
  },
  languageData: { closeBrackets: { brackets: ["(", "[", "{", '"', "'"] } },
});
