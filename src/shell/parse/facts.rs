//! What a file does beyond its definitions: the statements at its top level, the routes and commands it registers, the
//! imports that serve types only, and the words that it uses most.
//!
//! One walk over the tree, the same for all grammars: a grammar that has none of the node kinds below yields no facts.

use std::collections::HashMap;

use tree_sitter::{Node, Tree};

use crate::model::outline::{Binding, Facts};

/// Bounds, so that a large file yields no large facts.
const MAX_CALLS: usize = 12;
const MAX_BINDINGS: usize = 40;
const MAX_REGISTRATIONS: usize = 24;
const MAX_TERMS: usize = 10;
const MAX_NAME: usize = 60;
/// Nodes that are visited.
const MAX_NODES: usize = 400_000;

/// How often a term has to occur.
const MIN_COUNT: u32 = 3;
/// Letters of a term at least.
const MIN_LETTERS: usize = 4;

/// Methods that register a route for the path that is their first argument.
const ROUTE_METHODS: [&str; 10] = [
    "get",
    "post",
    "put",
    "delete",
    "patch",
    "head",
    "options",
    "all",
    "route",
    "websocket",
];
/// Functions that register a command of a command line with that name.
const COMMAND_FUNCTIONS: [&str; 4] = ["command", "add_parser", "subcommand", "addCommand"];

/// Words of programming that say nothing of a file's subject.
const ORDINARY_TERMS: &str = " abort abstract accept action actual address after align alloc allow alpha also always append \
    apply argc args argument arguments argv array arrays assert assign async attr attribute attributes attrs auto await \
    back base basic because been before begin being below between binary block body bool boolean both bound break buff \
    buffer build builder byte bytes call callable callback called caller calls cannot case cast catch cause char check \
    child children class classes clean clear clone close code collect column columns common compare complete config \
    connect const constant constructor container contains content context continue convert copy core correct count \
    create created ctor current data debug decode default defaults define defined delete dest detail details dict \
    different disabled display does done double down dump each edit element elements elif else empty enable enabled encode \
    endif entries entry enum equal equals error errors eval even event every example except exception exec exists exit \
    expect expected export expr extend extends extra fail failed false field fields file files filter final finally find \
    finish first flag flags flat float fmt force format found from func function functions future generic getattr given \
    global goto group groups handle handler has hasattr hash have head height hello helper here hint hook human ident ignore impl \
    implements import include index info init inner inplace input insert inside instance instanceof instead int integer \
    interface internal into invalid invoke isinstance issubclass item items iter iterator itself join json just keys keyword kind known kwargs label lambda last \
    latest left length less level lhs like limit line lines list listen local location lock lookup loop lower main make \
    many match matches maybe message messages meta method methods min mode model module modules more most move multiple must mutable name \
    named names namespace native need needed nest next node nodes none normal note nothing null number object objects offset old once \
    only open operator option optional options order original other others otherwise outer output over override package pair panic param parameter \
    parameters params parent parse parser part parts pass passed path paths pattern pick place plain point pointer pos position \
    prefix prepare present prev previous print private process promise prop properties property props protected prototype public push quote raise range raw \
    read reader real ready receive record ref reference register regex reject release remove rename replace report repr \
    request require required reset resolve resource response rest result results return returns reverse right root rows run \
    safe same save scope search second section select self send sequence set setattr setup shape should show side simple single size \
    skip slice some sort source spec special split start state static status step stop store str stream strict string strings struct sub \
    subclass success suffix super support switch sync system table tags take target task temp template test tests text than that them then there these they this \
    throw throws time title token tokens total trace transform true trim tuple type typed typename typeof types undefined union unit unknown unless unsafe \
    unsigned until unwrap update upper usage use used user using usize util utils valid validate value values variable vec version \
    view virtual void wait warn warning when where which while width will with within without word words work wrap wrapper feature features poll recv unpin inline pending drop bufs vecs vectored mock write writer yield your zero ";

/// The facts of a tree.
pub(super) fn facts(tree: &Tree, source: &[u8]) -> Facts {
    let mut reader = Reader {
        source,
        facts: Facts::default(),
        counts: HashMap::new(),
    };
    reader.top_level(tree.root_node());
    reader.whole(tree);
    reader.finish()
}

struct Reader<'a> {
    source: &'a [u8],
    facts: Facts,
    counts: HashMap<String, u32>,
}

impl Reader<'_> {
    fn text(&self, node: Node<'_>) -> &str {
        std::str::from_utf8(&self.source[node.byte_range()]).unwrap_or("")
    }

    /// A dotted name, or nothing where it is more than that.
    fn name(&self, node: Node<'_>) -> Option<String> {
        let text: String = self.text(node).split_whitespace().collect();
        let is_name = |c: char| c.is_alphanumeric() || "_.$!:".contains(c);
        let name = text.strip_prefix("await").unwrap_or(&text);
        (!name.is_empty() && name.len() <= MAX_NAME && name.chars().all(is_name))
            .then(|| name.to_owned())
    }

    /// The function of a call.
    fn called(&self, node: Node<'_>) -> Option<String> {
        let node = match node.kind() {
            "await_expression" | "await" => node.named_child(0)?,
            _ => node,
        };
        let field = match node.kind() {
            "call" | "call_expression" => "function",
            "new_expression" => "constructor",
            "macro_invocation" => "macro",
            _ => return None,
        };
        self.name(node.child_by_field_name(field)?)
    }

    /// The text of a call's first argument, where it is a string.
    fn first_string(&self, call: Node<'_>) -> Option<String> {
        let arguments = call.child_by_field_name("arguments")?;
        let first = arguments.named_child(0)?;
        if !first.kind().contains("string") {
            return None;
        }
        let text = self.text(first);
        let text = text
            .trim_start_matches(['r', 'b', 'f', 'u'])
            .trim_matches(['"', '\'', '`']);
        let is_plain = !text.is_empty() && text.len() <= MAX_NAME && !text.contains(['\n', '`']);
        is_plain.then(|| text.to_owned())
    }

    fn top_level(&mut self, root: Node<'_>) {
        let mut cursor = root.walk();
        for statement in root.named_children(&mut cursor) {
            match statement.kind() {
                "expression_statement" => {
                    if let Some(inner) = statement.named_child(0) {
                        self.expression(inner);
                    }
                }
                "lexical_declaration" | "variable_declaration" => self.declaration(statement),
                "export_statement" => self.export(statement),
                "if_statement" => self.condition(statement),
                "macro_invocation" => self.expression(statement),
                _ => {}
            }
        }
    }

    fn expression(&mut self, node: Node<'_>) {
        if let Some(name) = self.called(node) {
            // A chain such as `program.command().parse()` is one statement of `program`.
            let call = match self.first_string(node) {
                Some(text) if text.len() <= 40 && !text.contains(' ') => format!("{name} {text}"),
                _ => name,
            };
            if self.facts.calls.len() < MAX_CALLS && !self.facts.calls.contains(&call) {
                self.facts.calls.push(call);
            }
            return;
        }
        let (Some(left), Some(right)) = (
            node.child_by_field_name("left"),
            node.child_by_field_name("right"),
        ) else {
            return;
        };
        let Some(name) = self.name(left) else {
            return;
        };
        let what = self.shape(right);
        match name.as_str() {
            "module.exports" | "exports.default" => self.facts.default_export = Some(what),
            _ => self.bind(name, what),
        }
    }

    fn declaration(&mut self, node: Node<'_>) {
        let mut cursor = node.walk();
        for declarator in node.named_children(&mut cursor) {
            let name = declarator
                .child_by_field_name("name")
                .and_then(|name| self.name(name));
            let value = declarator.child_by_field_name("value");
            if let (Some(name), Some(value)) = (name, value) {
                let what = self.shape(value);
                // What is required is an import.
                if what != "call of require" {
                    self.bind(name, what);
                }
            }
        }
    }

    fn export(&mut self, node: Node<'_>) {
        let mut cursor = node.walk();
        let is_default = node
            .children(&mut cursor)
            .any(|child| child.kind() == "default");
        let value = node.child_by_field_name("value");
        if let (true, Some(value)) = (is_default, value) {
            self.facts.default_export = Some(self.shape(value));
        } else if let Some(declaration) = node.child_by_field_name("declaration") {
            self.declaration(declaration);
        }
    }

    /// `if __name__ == "__main__"` makes a script; `if TYPE_CHECKING` imports for types only.
    fn condition(&mut self, node: Node<'_>) {
        let condition = node.child_by_field_name("condition");
        let condition = condition
            .map(|node| self.text(node).to_owned())
            .unwrap_or_default();
        if condition.contains("__main__") {
            self.facts.is_script = true;
        }
        if !condition.ends_with("TYPE_CHECKING") {
            return;
        }
        let Some(body) = node.child_by_field_name("consequence") else {
            return;
        };
        let mut names = Vec::new();
        let mut cursor = body.walk();
        for statement in body.named_children(&mut cursor) {
            let mut inner = statement.walk();
            for name in statement.children_by_field_name("name", &mut inner) {
                let text = self.text(name);
                names.push(text.split(" as ").next().unwrap_or(text).trim().to_owned());
            }
        }
        self.facts.type_only_imports.extend(names);
    }

    fn bind(&mut self, name: String, what: String) {
        if self.facts.bindings.len() < MAX_BINDINGS {
            self.facts.bindings.push(Binding { name, what });
        }
    }

    /// What a value is, in a few words.
    fn shape(&self, node: Node<'_>) -> String {
        let entries = node.named_child_count();
        let several = |many: usize, one: &str, more: &str| match many {
            1 => format!("1 {one}"),
            many => format!("{many} {more}"),
        };
        match node.kind() {
            "call" | "call_expression" | "new_expression" => match self.called(node) {
                Some(name) => format!("call of {name}"),
                None => String::new(),
            },
            "dictionary" | "object" => {
                let mut cursor = node.walk();
                let keys: Vec<String> = node
                    .named_children(&mut cursor)
                    .filter_map(|pair| {
                        let key = pair.child_by_field_name("key").unwrap_or(pair);
                        let text = self.text(key).trim_matches(['"', '\'']);
                        let plain = text
                            .chars()
                            .all(|c| c.is_alphanumeric() || "_-.".contains(c));
                        (plain && !text.is_empty() && text.len() <= 30).then(|| text.to_owned())
                    })
                    .take(3)
                    .collect();
                match (keys.len(), entries) {
                    (0, _) => format!("table of {}", several(entries, "entry", "entries")),
                    (_, ..=3) => format!("object with {}", keys.join(", ")),
                    _ => format!(
                        "table of {} ({}, …)",
                        several(entries, "entry", "entries"),
                        keys.join(", ")
                    ),
                }
            }
            "list" | "array" | "tuple" | "set" => {
                format!("list of {}", several(entries, "entry", "entries"))
            }
            "arrow_function" | "function_expression" | "function" | "lambda" => {
                "function".to_owned()
            }
            "class" | "class_declaration" => "class".to_owned(),
            "true" | "false" | "null" | "none" => format!("`{}`", self.text(node)),
            "identifier" => format!("`{}`", self.text(node)),
            kind if kind.contains("string") => "text".to_owned(),
            "integer" | "float" | "number" => "number".to_owned(),
            _ => String::new(),
        }
    }

    /// Registrations, and how often each word occurs in names and strings.
    fn whole(&mut self, tree: &Tree) {
        let mut cursor = tree.walk();
        let mut nodes = 0;
        'walk: loop {
            let node = cursor.node();
            nodes += 1;
            if nodes > MAX_NODES {
                break;
            }
            let kind = node.kind();
            if matches!(kind, "call" | "call_expression") {
                self.registration(node);
            }
            let is_comment = kind.contains("comment");
            if node.child_count() == 0 && !is_comment && kind.contains("identifier") {
                let text = self.text(node).to_owned();
                self.count(&text);
            }
            if !is_comment && cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    break 'walk;
                }
            }
        }
    }

    fn registration(&mut self, call: Node<'_>) {
        let Some(function) = call.child_by_field_name("function") else {
            return;
        };
        let method = ["property", "attribute", "field"]
            .iter()
            .find_map(|field| function.child_by_field_name(field));
        let name = self.text(method.unwrap_or(function)).to_owned();
        let is_route = method.is_some() && ROUTE_METHODS.contains(&name.to_lowercase().as_str());
        let is_command = COMMAND_FUNCTIONS.contains(&name.as_str());
        if !is_route && !is_command {
            return;
        }
        let Some(text) = self.first_string(call) else {
            return;
        };
        let registrations = match is_route {
            true if text.starts_with('/') => &mut self.facts.routes,
            false => &mut self.facts.commands,
            true => return,
        };
        let shown = match (is_route, name.as_str()) {
            (true, "route" | "all" | "websocket") => text,
            (true, method) => format!("{} {text}", method.to_uppercase()),
            (false, _) => text.split(' ').next().unwrap_or("").to_owned(),
        };
        if registrations.len() < MAX_REGISTRATIONS && !registrations.contains(&shown) {
            registrations.push(shown);
        }
    }

    fn count(&mut self, name: &str) {
        each_word(name, |word| {
            if word.len() >= MIN_LETTERS && !ORDINARY_TERMS.contains(&format!(" {word} ")) {
                *self.counts.entry(word.to_owned()).or_default() += 1;
            }
        });
    }

    fn finish(mut self) -> Facts {
        let mut terms: Vec<(String, u32)> = self
            .counts
            .into_iter()
            .filter(|(_, count)| *count >= MIN_COUNT)
            .collect();
        terms.sort_by(|(a, more), (b, less)| less.cmp(more).then_with(|| a.cmp(b)));
        for (term, _) in terms {
            let is_form = |known: &String| {
                let (short, long) = if known.len() < term.len() {
                    (known, &term)
                } else {
                    (&term, known)
                };
                long.strip_prefix(short.as_str())
                    .is_some_and(|end| matches!(end, "s" | "es" | "ed" | "d" | "er" | "ing"))
            };
            if self.facts.terms.len() < MAX_TERMS && !self.facts.terms.iter().any(is_form) {
                self.facts.terms.push(term);
            }
        }
        self.facts
    }
}

/// The words of an identifier, in lower case.
fn each_word(name: &str, mut take: impl FnMut(&str)) {
    let mut word = String::new();
    let mut before = '_';
    for c in name.chars() {
        let ends = !c.is_alphabetic() || c.is_uppercase() && !before.is_uppercase();
        if ends && !word.is_empty() {
            take(&word);
            word.clear();
        }
        if c.is_alphabetic() {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    if !word.is_empty() {
        take(&word);
    }
}
