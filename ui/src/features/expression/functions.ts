/** The functions of the expression language, for completion and hover. */

export interface FunctionHelp {
  name: string;
  signature: string;
  help: string;
}

const rows: [string, string, string][] = [
  ["sum", "$sum(numbers)", "Adds up a list of numbers."],
  ["count", "$count(list)", "Number of items of a list."],
  ["max", "$max(numbers)", "The largest number of a list."],
  ["min", "$min(numbers)", "The smallest number of a list."],
  ["average", "$average(numbers)", "The mean of a list of numbers."],
  ["string", "$string(value)", "The value as text."],
  ["length", "$length(text)", "Number of characters."],
  ["substring", "$substring(text, start, length?)", "A part of a text; `start` counts from 0."],
  ["substringBefore", "$substringBefore(text, mark)", "What stands before the first `mark`."],
  ["substringAfter", "$substringAfter(text, mark)", "What stands after the first `mark`."],
  ["uppercase", "$uppercase(text)", "In capital letters."],
  ["lowercase", "$lowercase(text)", "In small letters."],
  ["trim", "$trim(text)", "Without blanks at either end."],
  ["pad", "$pad(text, width, char?)", "Filled up to `width`; a negative width fills on the left."],
  ["contains", "$contains(text, part)", "Whether a text holds a part or matches a pattern."],
  ["split", "$split(text, mark)", "A text cut into a list."],
  ["join", "$join(list, mark?)", "A list of texts as one text."],
  ["match", "$match(text, /pattern/)", "All places that match a pattern."],
  ["replace", "$replace(text, part, by)", "With every `part` replaced."],
  ["number", "$number(text)", "The text as a number."],
  ["abs", "$abs(number)", "Without its sign."],
  ["floor", "$floor(number)", "Rounded down."],
  ["ceil", "$ceil(number)", "Rounded up."],
  ["round", "$round(number, digits?)", "Rounded, halves to the even neighbour."],
  ["power", "$power(base, exponent)", "A power."],
  ["sqrt", "$sqrt(number)", "The square root."],
  ["formatNumber", '$formatNumber(number, "#,##0.00")', "A number as text after a picture."],
  ["boolean", "$boolean(value)", "Whether a value counts as true."],
  ["not", "$not(value)", "True if the value is false."],
  ["exists", "$exists(path)", "Whether there is a value at all."],
  ["append", "$append(list, more)", "Two lists as one."],
  ["sort", "$sort(list, function($a, $b) { $a > $b })", "A list in order."],
  ["reverse", "$reverse(list)", "A list from behind."],
  ["distinct", "$distinct(list)", "Each value once."],
  ["zip", "$zip(list, list)", "Items at the same place, together."],
  ["keys", "$keys(object)", "The names in an object."],
  ["lookup", "$lookup(object, name)", "The value under a name."],
  ["merge", "$merge(objects)", "Several objects as one."],
  ["each", "$each(object, function($value, $name) { … })", "A result for each name of an object."],
  ["type", "$type(value)", "`string`, `number`, `boolean`, `array`, `object` or `null`."],
  ["map", "$map(list, function($item) { … })", "A result for each item."],
  ["filter", "$filter(list, function($item) { … })", "The items for which it is true."],
  ["reduce", "$reduce(list, function($total, $item) { … })", "All items folded into one value."],
  ["single", "$single(list, function($item) { … })", "The only item for which it is true."],
  ["now", "$now()", "The time of the run, as text. A replay gives the same."],
  ["millis", "$millis()", "The time of the run, in milliseconds."],
  ["fromMillis", "$fromMillis(millis, picture?)", "An instant as text."],
  ["toMillis", "$toMillis(text, picture?)", "A text as an instant, in milliseconds."],
  ["random", "$random()", "A number between 0 and 1, recorded in the run."],
  ["uuid", "$uuid()", "An id, recorded in the run."],
  ["assert", "$assert(condition, message)", "Fails with a message unless it is true."],
  ["error", "$error(message)", "Fails with a message."],
];

export const FUNCTIONS: readonly FunctionHelp[] = rows.map(([name, signature, help]) => ({
  name,
  signature,
  help,
}));

/** Help about `$name` (with or without the dollar). */
export function findFunction(name: string): FunctionHelp | undefined {
  const plain = name.startsWith("$") ? name.slice(1) : name;
  return FUNCTIONS.find((entry) => entry.name === plain);
}
