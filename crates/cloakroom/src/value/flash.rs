//! Messages that are shown once.

use serde::{Deserialize, Serialize};

/// Messages for the visitor's next page, each shown once: "Saved.", after a form has redirected.
///
/// It is a value like any other: a field of yours, an entry of a [`SessionMap`](crate::SessionMap), or half of a pair (`Session<(Cart, Flash)>`)
/// beside a value that can't be changed. A message is written with the change it tells of, in one step, and taken by
/// exactly one of several pages that are loaded at once; a page without messages costs no write.
///
/// `M` is a text, or a type of yours that the page words:
///
/// ```
/// # use cloakroom::{Flash, MemoryStore, Sessions};
/// #[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Visitor {
///     name: String,
///     #[serde(default)] // sessions from before there were messages
///     flash: Flash<Notice>,
/// }
///
/// #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// enum Notice {
///     Renamed { before: String },
/// }
///
/// # cloakroom::Io::future(async {
/// # let sessions: Sessions<Visitor> = Sessions::new(MemoryStore::new())?;
/// # let mut session = sessions.generate(Visitor::default()).await?;
/// // The handler of the form, before it redirects
/// session
///     .update(|visitor| {
///         let before = std::mem::replace(&mut visitor.name, "Ada".into());
///         visitor.flash.push(Notice::Renamed { before });
///     })
///     .await?;
///
/// // The handler of the next page
/// let notices = session.update(|visitor| visitor.flash.take()).await?;
/// assert_eq!(notices, [Notice::Renamed { before: String::new() }]);
/// assert!(session.value().flash.is_empty());
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// # }).wait().unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[doc(alias = "messages")]
#[doc(alias = "notice")]
pub struct Flash<M = String>(Vec<M>);

impl<M> Flash<M> {
    /// How many messages wait at most; one more takes the place of the oldest.
    pub const CAPACITY: usize = 32;

    /// Adds a message for the next page.
    pub fn push(&mut self, message: impl Into<M>) {
        if self.0.len() >= Self::CAPACITY {
            self.0.remove(0);
        }
        self.0.push(message.into());
    }

    /// The messages, oldest first, which are gone from here then.
    pub fn take(&mut self) -> Vec<M> {
        std::mem::take(&mut self.0)
    }

    /// The messages, oldest first, which stay.
    pub fn iter(&self) -> std::slice::Iter<'_, M> {
        self.0.iter()
    }

    /// True if there is no message.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<M> Default for Flash<M> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, M> IntoIterator for &'a Flash<M> {
    type Item = &'a M;
    type IntoIter = std::slice::Iter<'a, M>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_nobody_reads_make_room_for_newer_ones() {
        let mut flash: Flash = Flash::default();
        for number in 0..40 {
            flash.push(number.to_string());
        }
        assert_eq!(
            (flash.iter().count(), flash.iter().next().map(String::as_str)),
            (32, Some("8"))
        );
        assert_eq!(flash.take().len(), 32);
        assert!(flash.is_empty());
    }

    #[test]
    fn an_empty_list_is_what_is_kept_of_no_message() {
        assert_eq!(serde_json::to_string(&Flash::<String>::default()).unwrap(), "[]");
    }
}
