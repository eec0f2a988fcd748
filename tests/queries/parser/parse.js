// Reads {tables, queries} on its input and answers what Microsoft's parser says of each query.
//
// tables: {name: "(column: type, …)"}; queries: {name: text}. The answer: {name: {errors, columns}}, the
// columns being those of the query's result.
"use strict";

// The package is compiled from C#: both files put what they have into the global scope.
require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");

const { KustoCode, GlobalState, Symbols } = Kusto.Language;

function list(items) {
  return Array.from({ length: items.Count }, (_, at) => items.getItem(at));
}

function globals(tables) {
  const symbols = Object.entries(tables).map(
    ([name, schema]) => new Symbols.TableSymbol.$ctor7(name, schema, null),
  );
  const database = new Symbols.DatabaseSymbol.ctor("dailies", symbols);
  return GlobalState.Default.WithDatabase(database);
}

function judge(text, known) {
  const code = KustoCode.ParseAndAnalyze(text, known);
  const errors = list(code.GetDiagnostics()).map(
    (one) => `${one.Severity} at ${one.Start}: ${one.Message}`,
  );
  const columns = code.ResultType && code.ResultType.Columns;
  return { errors, columns: columns ? list(columns).map((column) => column.Name) : [] };
}

const { tables, queries } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const known = globals(tables);
const answer = Object.fromEntries(
  Object.entries(queries).map(([name, text]) => [name, judge(text, known)]),
);
process.stdout.write(JSON.stringify(answer));
