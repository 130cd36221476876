//! The cells of a Jupyter notebook: what people wrote in it, without outputs and counters.

use std::fmt::Write as _;

use serde_json::Value;

/// One cell.
pub(super) struct Cell {
    /// Code, as opposed to prose.
    pub code: bool,
    pub source: String,
}

/// The cells, and the language of the code; `None` for what is no notebook.
pub(super) fn cells(text: &str) -> Option<(Vec<Cell>, String)> {
    let book: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    // Version 3 has worksheets, and another name for the source of code.
    let sheets = book["worksheets"].as_array().into_iter().flatten();
    let sheets = sheets.filter_map(|sheet| sheet["cells"].as_array());
    let found = book["cells"].as_array().into_iter().chain(sheets).flatten();
    let cells = found.map(|cell| Cell {
        code: cell["cell_type"] == "code",
        source: source(cell),
    });
    let metadata = &book["metadata"];
    let names = [
        &metadata["kernelspec"]["language"],
        &metadata["language_info"]["name"],
    ];
    let language = names.iter().find_map(|name| name.as_str()).unwrap_or("");
    let plain = |c: &char| c.is_ascii_alphanumeric() || "+#-_.".contains(*c);
    Some((
        cells.collect(),
        language.chars().filter(plain).take(40).collect(),
    ))
}

/// The text of a cell: a list of lines, or a string.
pub(super) fn source(cell: &Value) -> String {
    let source = match &cell["source"] {
        Value::Null => &cell["input"],
        source => source,
    };
    match source {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().unwrap_or("").to_owned(),
    }
}

/// The notebook as Markdown: prose, and code between fences.
pub(super) fn markdown(text: &str) -> String {
    let Some((cells, language)) = cells(text) else {
        return lines_of_broken(text);
    };
    let mut markdown = String::new();
    for cell in &cells {
        let source = cell.source.trim_end();
        if source.trim().is_empty() {
            continue;
        }
        // Writing to a string cannot fail.
        _ = match cell.code {
            true => writeln!(markdown, "```{language}\n{source}\n```\n"),
            false => writeln!(markdown, "{source}\n"),
        };
    }
    markdown
}

/// The same for a notebook that is no valid JSON, such as one with the marks of a merge conflict: the lines below a
/// `"source": [`.
fn lines_of_broken(text: &str) -> String {
    let mut found = String::new();
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("\"source\"") && line.ends_with('[') {
            inside = true;
        } else if inside && line.starts_with(']') {
            inside = false;
            found.push('\n');
        } else if inside {
            let string = serde_json::from_str::<String>(line.trim_end_matches(','));
            let string = string.unwrap_or_else(|_| line.to_owned());
            found.push_str(string.trim_end_matches('\n'));
            found.push('\n');
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOK: &str = r##"{"cells": [
 {"cell_type": "markdown", "metadata": {}, "source": ["# Title\n", "\n", "One two."]},
 {"cell_type": "code", "execution_count": 7, "outputs": [{"data": {"image/png": "iVBORw0KGgo=", "text/html": "<table>"}}],
  "source": "import a\nrun()\n"},
 {"cell_type": "code", "outputs": [], "source": []}],
 "metadata": {"kernelspec": {"language": "python"}}}"##;

    #[test]
    fn the_cells_are_the_text() {
        assert_eq!(
            markdown(BOOK),
            "# Title\n\nOne two.\n\n```python\nimport a\nrun()\n```\n\n"
        );
        let three = r#"{"worksheets": [{"cells": [{"cell_type": "code", "input": ["x = 1"], "outputs": ["y"]}]}]}"#;
        assert_eq!(markdown(three), "```\nx = 1\n```\n\n");
        assert_eq!(markdown("{}"), "");
    }

    #[test]
    fn a_broken_notebook_shows_no_outputs_either() {
        let broken = "<<<<<<< ours\n   \"source\": [\n    \"x = \\\"1\\\"\\n\",\n    \"y = 2\"\n   ],\n   \"outputs\": [\n    \"iVBOR\"\n   ]\n";
        assert_eq!(markdown(broken), "x = \"1\"\ny = 2\n\n");
    }
}
