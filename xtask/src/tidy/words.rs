//! Words and names that we do not use: `xtask/words.txt` lists them, with what we say instead.

use super::File;

const LIST: &str = include_str!("../../words.txt");

/// The entries of a section of the list.
fn section(name: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let start = format!("[{name}]");
    let lines = LIST.lines().skip_while(move |line| !line.starts_with(&start)).skip(1);
    lines.map_while(|line| line.split_once(" ="))
}

/// The banned words and names of a file, each with its place.
pub(super) fn complaints(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    if file.path.ends_with("tidy/words.rs") {
        return found;
    }
    // A documented alias is an old name that can be searched for.
    let lines = (1..).zip(file.text.lines()).filter(|(_, line)| !line.contains("#[doc(alias"));
    for (number, line) in lines {
        let line =
            section("theirs").fold(line.to_owned(), |line, (text, _)| line.replace(text, ""));
        let words = line.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        let words = words.map(str::to_lowercase).collect::<Vec<_>>().join(" ");
        let words = format!(" {} ", words.replace(' ', "  "));
        let has = |banned: &str| words.matches(&format!(" {} ", banned.replace(' ', "  "))).count();
        let said = section("words").flat_map(|banned| (0..has(banned.0)).map(move |_| banned));
        let mut banned: Vec<_> = said.collect();
        for name in names(file, &line) {
            let lower = name.to_lowercase();
            banned.extend(section("names").filter(|(banned, _)| *banned == name));
            banned.extend(
                section("parts").filter(|(part, _)| lower.contains(part) && lower != *part),
            );
        }
        for (banned, instead) in banned {
            found.push(format!("{}:{number}: `{banned}`: say{instead}", file.path.display()));
        }
    }
    found
}

/// The names in a line of code without its texts and comments, or in the code spans of a page.
fn names<'a>(file: &File, line: &'a str) -> Vec<&'a str> {
    let is_page = file.is("md");
    if !is_page && !file.is("rs") {
        return Vec::new();
    }
    let spans = line.split(if is_page { '`' } else { '"' }).enumerate();
    let code = spans.filter(|(number, _)| (number % 2 == 1) == is_page).map(|(_, span)| span);
    let code = code.take_while(|span| is_page || !span.trim_start().starts_with("//"));
    let code = code.map(|span| if is_page { span } else { span.split("//").next().unwrap_or("") });
    code.flat_map(|span| span.split(|c: char| !c.is_alphanumeric() && c != '_')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        complaints(&File { path: path.into(), text: text.into() }).len()
    }

    #[test]
    fn a_banned_word_is_found_in_any_case_and_inside_names() {
        assert_eq!(count("a.md", "Turnstile, and turnstile turnstile."), 3);
        assert_eq!(count("a.rs", "fn nobody_is_signed_out() {}"), 1);
        assert_eq!(count("a.sql", "-- kept unless told otherwise"), 1);
        assert_eq!(count("a.rs", "// a stubborn besiege"), 0);
    }

    #[test]
    fn a_banned_name_is_found_in_code_only() {
        assert_eq!(count("a.rs", "let id: SessionId = x; // a SessionId"), 1);
        assert_eq!(count("a.rs", "let text = \"OnThread here\";"), 0);
        assert_eq!(count("a.md", "OnThread is our `OnThread`."), 1);
        assert_eq!(count("a.rs", "fn thief_notes() {}"), 1);
    }

    #[test]
    fn old_names_can_be_searched_for_and_the_names_of_others_are_theirs() {
        assert_eq!(count("a.rs", "#[doc(alias = \"SessionId\")]"), 0);
        assert_eq!(count("a.css", "font: inherit;"), 0);
        assert_eq!(count("a.rs", "Entry::Vacant(entry) => {}"), 0);
    }
}
