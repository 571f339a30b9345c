//! The names of the schema, the tables and the other objects in the database.

/// The schema and the table that the names of all objects derive from.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    schema: String,
    table: String,
}

impl Names {
    /// `None` if a name is not a plain identifier.
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

    /// The channel that changes are notified on.
    pub(crate) fn channel(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    /// Replaces the placeholders in an SQL text with the names.
    pub(crate) fn fill(&self, sql: &str) -> String {
        let Self { schema, table } = self;
        let qualified = |suffix: &str| format!("\"{schema}\".\"{table}{suffix}\"");
        sql.replace("{session}", &qualified(""))
            .replace("{index}", &qualified("s_by_principal"))
            .replace("{revocation}", &qualified("_revocation"))
            .replace("{version}", &qualified("_version"))
            .replace("{view}", &qualified("_view"))
            .replace("{index_login}", &qualified("_index_login"))
            .replace("{lock_principal}", &qualified("_lock_principal"))
            .replace("{feed}", &qualified("_feed"))
            .replace("{living}", &qualified("_living"))
            .replace("{enroll}", &qualified("_enroll"))
            // An index is always in the schema of its table.
            .replace("{session_sweep_at}", &format!("\"{table}_sweep_at\""))
            .replace("{index_until}", &format!("\"{table}s_by_principal_until\""))
            .replace("{revocation_until}", &format!("\"{table}_revocation_until\""))
            .replace("{session_text}", &format!("'{}'", qualified("")))
            .replace("{channel}", &format!("'{}'", self.channel()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_identifiers_are_names() {
        assert!(Names::new("cloakroom", "session_2").is_some());
        for name in ["", "2nd", "a.b", "a\"b", "a b", "A", "ä", "a23456789012345678901234x"] {
            assert!(Names::new(name, "session").is_none(), "{name}");
            assert!(Names::new("cloakroom", name).is_none(), "{name}");
        }
    }
}
