//! Tables in `docs/` that name the test which proves each row: a name in a column headed "test" must exist.

/// A name in backticks, and the line it stands in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    pub(super) line: usize,
}

/// All names in columns headed "test" or "tests"; of `path::name` the last part.
pub(super) fn tests_named(page: &str) -> Vec<Named<'_>> {
    let mut named = Vec::new();
    let mut column = None;
    let mut in_table = false;
    for (line, text) in (1..).zip(page.lines()) {
        let text = text.trim();
        if !text.starts_with('|') {
            in_table = false;
            continue;
        }
        if !in_table {
            in_table = true;
            column = cells(text).position(|cell| matches!(cell.to_lowercase().as_str(), "test" | "tests"));
            continue;
        }
        let cell = column.and_then(|column| cells(text).nth(column)).unwrap_or_default();
        named.extend(spans(cell).map(|name| Named { name, line }));
    }
    named
}

/// A row's cells; `\|` is no boundary.
fn cells(row: &str) -> impl Iterator<Item = &str> {
    let mut after_backslash = false;
    row.trim_matches('|')
        .split(move |c: char| {
            let boundary = c == '|' && !after_backslash;
            after_backslash = c == '\\';
            boundary
        })
        .map(str::trim)
}

/// What stands in backticks, without the path before it.
fn spans(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2).map(|span| span.rsplit("::").next().unwrap_or(span))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_in_the_test_column_count_and_only_their_last_part() {
        let page = "\
`not_in_a_table`

| item | Test | note |
|---|---|---|
| `a \\| b` | `laws::one_writer_wins`, `two` | `three` |
| plain | none | |

| item | proof |
|---|---|
| `x` | `four` |
";
        let found = tests_named(page);
        assert_eq!(found, [Named { name: "one_writer_wins", line: 5 }, Named { name: "two", line: 5 },]);
    }
}
