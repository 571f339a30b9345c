//! The names of what is ours in the database.

/// Where the tables are, and what they are called.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    schema: String,
    table: String,
}

impl Names {
    /// `None` if one of them is no plain name.
    pub(crate) fn new(schema: &str, table: &str) -> Option<Self> {
        let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let is_plain = |name: &str| {
            (1..=24).contains(&name.len())
                && name.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
                && name.bytes().next().is_some_and(is_letter)
        };
        (is_plain(schema) && is_plain(table))
            .then(|| Self { schema: schema.to_owned(), table: table.to_owned() })
    }

    /// The channel on which changes are told.
    pub(crate) fn channel(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    /// The text with these names in the place of the words in braces.
    pub(crate) fn fill(&self, text: &str) -> String {
        let Self { schema, table } = self;
        let ours = |name: &str| format!("\"{schema}\".\"{table}{name}\"");
        text.replace("{session}", &ours(""))
            .replace("{admission}", &ours("_admission"))
            .replace("{revocation}", &ours("_revocation"))
            .replace("{version}", &ours("_version"))
            .replace("{shown}", &ours("_shown"))
            .replace("{admit}", &ours("_admit"))
            .replace("{lock}", &ours("_lock"))
            // An index is in the schema of its table.
            .replace("{session_look_at}", &format!("\"{table}_look_at\""))
            .replace("{admission_until}", &format!("\"{table}_admission_until\""))
            .replace("{revocation_until}", &format!("\"{table}_revocation_until\""))
            .replace("{session_text}", &format!("'{}'", ours("")))
            .replace("{channel}", &format!("'{}'", self.channel()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_mean_something_to_the_server_are_none() {
        assert!(Names::new("cloakroom", "session_2").is_some());
        for name in ["", "2nd", "a.b", "a\"b", "a b", "A", "ä", "a23456789012345678901234x"] {
            assert!(Names::new(name, "session").is_none(), "{name}");
            assert!(Names::new("cloakroom", name).is_none(), "{name}");
        }
    }
}
