// Lists the declarations of JavaScript and TypeScript files outside function bodies, as the TypeScript compiler parses them.
//
//     npm install typescript@5.9 && node declarations.cjs < PATHS
//
// One JSON document a line: {"path", "declarations": [{"name", "kind", "line", "end"}]}, or {"path", "errors": N} where the
// compiler finds syntax errors, as in files with Flow's types. A function body is closed, but for one that is called where
// it stands (IIFE) or passed to such a call or to `define` (UMD, AMD): it only wraps the file.
const fs = require("fs");
const ts = require(require.resolve("typescript", { paths: [process.cwd(), __dirname] }));
const K = ts.SyntaxKind;

const KINDS = {
  [K.ClassDeclaration]: "class", [K.InterfaceDeclaration]: "interface", [K.EnumDeclaration]: "enum",
  [K.TypeAliasDeclaration]: "type", [K.FunctionDeclaration]: "function", [K.MethodDeclaration]: "method",
  [K.GetAccessor]: "method", [K.SetAccessor]: "method", [K.Constructor]: "method", [K.MethodSignature]: "method",
};

// The function or class that a value is, under parentheses and casts.
function callable(node) {
  while (node && (ts.isParenthesizedExpression(node) || ts.isAsExpression(node) || ts.isSatisfiesExpression?.(node))) node = node.expression;
  if (!node) return null;
  if (ts.isArrowFunction(node) || ts.isFunctionExpression(node)) return ["function", node];
  return ts.isClassExpression(node) ? ["class", node] : null;
}

function unwrapped(node) {
  while (ts.isParenthesizedExpression(node) || ts.isPrefixUnaryExpression(node) || ts.isVoidExpression(node)) node = node.operand ?? node.expression;
  return node;
}

function declarations(source) {
  const found = [];
  const line = (at) => source.getLineAndCharacterOfPosition(at).line + 1;
  const text = (name) => name === undefined ? "" : name.getText(source).replace(/^['"`]|['"`]$/g, "");
  const add = (name, kind, node, at) => found.push({ name, kind, line: line((at ?? node).getStart(source)), end: line(node.getEnd()) });

  function members(node) { for (const member of node.members) visit(member); }

  function value(name, node, at) {
    const inner = node && callable(node);
    if (inner) {
      add(name, inner[0], inner[1], at);
      if (inner[0] === "class") members(inner[1]);
    } else if (node && ts.isObjectLiteralExpression(node)) object(node);
    else if (node && ts.isBinaryExpression(node) && node.operatorToken.kind === K.EqualsToken) {
      // `var a = module.exports = function …` is known by its own name.
      if (text(node.left) === "module.exports") value(name, node.right, at);
      else assignment(node);
    }
  }

  function object(node) {
    for (const member of node.properties) {
      if (ts.isPropertyAssignment(member)) {
        const inner = callable(member.initializer);
        if (inner) value(text(member.name), member.initializer, member);
      } else if (!ts.isShorthandPropertyAssignment(member) && !ts.isSpreadAssignment(member)) visit(member);
    }
  }

  function assignment(node) {
    const left = node.left;
    const name = ts.isPropertyAccessExpression(left) ? text(left.name)
      : ts.isElementAccessExpression(left) && ts.isStringLiteralLike(left.argumentExpression) ? left.argumentExpression.text
      : ts.isIdentifier(left) ? left.text : null;
    if (name === null) return;
    const inner = callable(node.right);
    const own = inner && inner[1].name && text(left) === "module.exports" ? text(inner[1].name) : null;
    value(own ?? (text(left) === "module.exports" ? "default" : name), node.right, node);
  }

  // The functions that wrap the file in a call: the one that is called, or those that are passed to it.
  function wrappers(call) {
    const callee = unwrapped(call.expression);
    const direct = ts.isPropertyAccessExpression(callee) ? unwrapped(callee.expression) : callee;
    const called = callable(direct);
    const passed = called || /^(define|require|requirejs)$/.test(text(callee));
    if (!passed) return [];
    const functions = call.arguments.map(callable).filter((inner) => inner && inner[0] === "function").map((inner) => inner[1]);
    return called && called[0] === "function" ? [called[1], ...functions] : functions;
  }

  function visit(node) {
    const kind = KINDS[node.kind];
    if (kind) {
      const name = ts.isConstructorDeclaration(node) ? "constructor" : node.name ? text(node.name) : "default";
      add(name, kind, node);
      if (kind === "class" || kind === "interface") members(node);
    } else if (ts.isPropertyDeclaration(node)) {
      const inner = callable(node.initializer);
      if (inner && inner[0] === "function") add(text(node.name), "method", node);
    } else if (ts.isModuleDeclaration(node)) {
      if (node.body) visit(node.body);
    } else if (ts.isModuleBlock(node) || ts.isSourceFile(node)) node.statements.forEach(visit);
    else if (ts.isVariableStatement(node)) {
      for (const item of node.declarationList.declarations)
        if (ts.isIdentifier(item.name)) value(item.name.text, item.initializer, item);
    } else if (ts.isExportAssignment(node)) {
      const inner = callable(node.expression);
      if (inner) value(inner[1].name ? text(inner[1].name) : "default", node.expression, node);
      else value("default", node.expression, node);
    } else if (ts.isExpressionStatement(node)) {
      const expression = unwrapped(node.expression);
      if (ts.isBinaryExpression(expression) && expression.operatorToken.kind === K.EqualsToken) assignment(expression);
      else if (ts.isCallExpression(expression))
        for (const inner of wrappers(expression)) if (ts.isBlock(inner.body)) inner.body.statements.forEach(visit);
    }
  }
  visit(source);
  return found;
}

for (const path of fs.readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const content = fs.readFileSync(path, "utf8");
  const kind = /\.(tsx)$/.test(path) ? ts.ScriptKind.TSX : /\.[cm]?ts$/.test(path) ? ts.ScriptKind.TS : ts.ScriptKind.JSX;
  const source = ts.createSourceFile(path, content, ts.ScriptTarget.Latest, true, kind);
  const errors = source.parseDiagnostics.length;
  console.log(JSON.stringify(errors ? { path, errors } : { path, declarations: declarations(source) }));
}
