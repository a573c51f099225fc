// Expressions mean what they mean in JSONata: every one of these is evaluated by Baton and by the reference
// implementation (npm `jsonata`), on the same data, and has to give the same.
//
// The reference runs here, in a test, and nowhere in Baton: what people write is never evaluated in JavaScript.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { requireProgram } from "../../scripts/lib/cargo.mjs";

const jsonata = createRequire(new URL("../../ui/package.json", import.meta.url))("jsonata");

const scope = {
  input: {
    name: "Ada Lovelace",
    n: 7,
    zero: 0,
    none: null,
    list: [3, 1, 2],
    one: [5],
    nested: { a: { b: [1, [2, 3]] }, "odd name": 9 },
    date: "2026-03-29T01:30:00.000Z",
    orders: [
      { id: "o1", region: "north", items: [{ sku: "a", price: 2.5, qty: 4 }, { sku: "b", price: 10, qty: 1 }] },
      { id: "o2", region: "south", items: [{ sku: "a", price: 2.5, qty: 2 }] },
      { id: "o3", region: "north", items: [] },
    ],
  },
};

const sources = [
  // Paths, predicates, wildcards, order.
  "input.name", "input.orders.id", "input.orders.items.sku", "input.orders[0].id", "input.orders[-1].id",
  'input.orders[region = "north"].id', "input.orders.items[price > 5].sku", "input.nested.a.b", "input.nested.`odd name`",
  "input.nested.*", "$count(input.**)", "input.orders^(>id).id", "input.orders^(region, >id).id", "input.list^($)", "input.one",
  "input.one[]", "input.orders.items[0].sku", "(input.orders.items)[0].sku", "input.orders#$i.{\"at\": $i, \"id\": id}",
  "input.orders[[1..2]].id", "input.orders[[0,2]].id", "input.gone.further", "input.none", "input.orders.(id & \":\" & region)",
  // Operators.
  "input.n + 1", "input.n * 2.5", "input.n / 2", "input.n % 4", "-input.n", "1 - 2 - 3", "2 * (3 + 4)", "0.1 + 0.2",
  "input.n > 5 and input.zero = 0", "input.n < 5 or input.name = \"x\"", "input.n in [1, 7]", "\"a\" & 1 & true & null",
  "input.n = 7 ? \"yes\" : \"no\"", "input.gone ? 1 : 2", "input.n != 7", "[1..5]", "[1, 2, [3]]", "{\"a\": input.n, \"b\": [input.zero]}",
  "input.gone ?? \"default\"", "input.zero ?: \"elvis\"", "input.n >= 7", "\"b\" > \"a\"", "null = null", "[1,2] = [1,2]", "{\"a\":1} = {\"a\":1}",
  // Numbers.
  "$sum(input.list)", "$average(input.list)", "$max(input.list)", "$min(input.list)", "$round(2.5)", "$round(3.5)", "$round(123.456, 2)",
  "$floor(-1.5)", "$ceil(1.2)", "$abs(-4)", "$power(2, 10)", "$sqrt(16)", "$number(\"12.5\")", "$number(true)", "$formatNumber(1234.5, \"#,##0.00\")",
  "$formatBase(255, 16)", "$parseInteger(\"12\", \"#0\")", "$formatInteger(1999, \"I\")", "1e3", "5 % 0.3 < 0.3", "$sum(input.orders.items.(price * qty))",
  // Texts.
  "$uppercase(input.name)", "$lowercase(input.name)", "$length(input.name)", "$substring(input.name, 4)", "$substring(input.name, -8, 4)",
  "$substringBefore(input.name, \" \")", "$substringAfter(input.name, \" \")", "$trim(\"  a  b \")", "$pad(\"x\", 3)", "$pad(\"x\", -3, \"0\")",
  "$contains(input.name, \"Love\")", "$contains(input.name, /l.v/i)", "$split(\"a,b,c\", \",\")", "$split(\"a1b2\", /[0-9]/)", "$join([\"a\",\"b\"], \"-\")",
  "$replace(\"aXbX\", \"X\", \"-\")", "$replace(\"2026-01\", /(\\d+)-(\\d+)/, \"$2/$1\")", "$match(\"a1b22\", /[0-9]+/).match", "$string(input.n)",
  "$string({\"a\": [1, null]})", "$base64encode(\"baton\")", "$base64decode(\"YmF0b24=\")", "$encodeUrlComponent(\"a b&c\")", "$length(\"😀\")",
  // Lists and objects.
  "$count(input.list)", "$count(input.gone)", "$append([1], [2, 3])", "$reverse(input.list)", "$sort(input.list)", "$distinct([1, 1, 2])",
  "$sort(input.orders, function($a, $b) { $a.id < $b.id }).id", "$map(input.list, function($v, $i) { $v * $i })", "$filter(input.list, function($v) { $v > 1 })",
  "$reduce(input.list, function($a, $b) { $a + $b }, 10)", "$single(input.list, function($v) { $v = 3 })", "$zip([1,2], [3,4])", "$keys(input.nested)",
  "$lookup(input.nested, \"a\").b", "$merge([{\"a\": 1}, {\"b\": 2}])", "$each({\"a\": 1}, function($v, $k) { $k & $v })",
  "$spread({\"a\": 1, \"b\": 2})", "$sift({\"a\": 1, \"b\": 2}, function($v) { $v > 1 })", "$type(input.list)", "$exists(input.gone)", "$not(input.zero)",
  "$boolean([])", "$boolean([0, 1])", "input.orders{region: $count($)}", "input.orders.items{sku: $sum(price)}", "(input ~> |nested|{\"c\": 1}|).nested.c",
  // Names, functions, blocks.
  "($x := 5; $y := $x * 2; $y + 1)", "($f := function($n) { $n <= 1 ? 1 : $n * $f($n - 1) }; $f(10))", "(function($x) { $x + 1 })(2)",
  "input.name ~> $uppercase ~> $substring(0, 3)", "($add := function($a, $b) { $a + $b }; ($add(?, 10))(5))", "input.list.($ + $$.input.n)",
  // Instants.
  "$toMillis(input.date)", "$fromMillis(1774747800000)", "$fromMillis(1774747800000, \"[Y0001]-[M01]-[D01]\")", "$fromMillis(0, \"[H01]:[m01]\", \"+0130\")",
  "$toMillis(\"29/03/2026\", \"[D01]/[M01]/[Y0001]\")", "$fromMillis($toMillis(input.date), \"[FNn], [D1o] [MNn]\")",
];

const wrong = ["input.name + 1", "$sum(\"x\")", "$uppercase(5)", "input.n > \"7\"", "$unknown(1)", "$number(\"x\")", "$sqrt(-1)", "$toMillis(\"no date\")"];

const data = mkdtempSync(join(tmpdir(), "baton-expressions-"));
after(() => rmSync(data, { recursive: true, force: true }));

function baton(source) {
  const request = JSON.stringify({ source, scope });
  const { stdout, stderr, status } = spawnSync(requireProgram("baton"), ["rpc", "expression_try", request, "--data", data], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

/** The reference hands on lists with hidden marks; JSON has none. Nothing is null here. */
const plain = (value) => JSON.parse(JSON.stringify(value ?? null));

test("values are those of the reference", { timeout: 240_000 }, async () => {
  const differences = [];
  for (const source of sources) {
    const expected = plain(
      await jsonata(source)
        .evaluate(scope)
        .catch((error) => assert.fail(`the reference refuses \`${source}\`: ${error.message}`)),
    );
    const { value, error } = baton(source);
    // Baton names what is missing where the reference silently gives nothing.
    const given = error?.includes("missing") && expected === null ? null : plain(value);
    if (JSON.stringify(given) !== JSON.stringify(expected)) {
      differences.push({ source, expected, given, error });
    }
  }
  assert.deepEqual(differences, []);
});

test("what is an error there is an error here", { timeout: 60_000 }, async () => {
  for (const source of wrong) {
    await assert.rejects(async () => jsonata(source).evaluate(scope), undefined, source);
    assert.notEqual(baton(source).error ?? null, null, source);
  }
});

test("clock, chance and evaluation of texts are Baton's own", { timeout: 60_000 }, () => {
  assert.match(baton("$eval(\"1 + 1\")").error ?? "", /does not exist/);
  const once = baton("[$now(), $millis(), $random(), $uuid()]").value;
  assert.equal(once.length, 4);
  assert.equal(baton("$now() = $now() and $millis() = $millis()").value, true);
});
