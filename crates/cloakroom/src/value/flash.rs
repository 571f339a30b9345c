//! Messages that are shown once.

use std::cell::Cell;

use serde::{Deserialize, Serialize};

thread_local! {
    /// Whether the change that this thread makes belongs to a request that may show nothing.
    static IS_KEPT: Cell<bool> = const { Cell::new(false) };
}

/// Runs a change of a value. If `is_kept`, it takes no messages.
#[inline]
pub(crate) fn kept_if<R>(is_kept: bool, change: impl FnOnce() -> R) -> R {
    /// Also if the change panics.
    struct Reset;

    impl Drop for Reset {
        fn drop(&mut self) {
            IS_KEPT.set(false);
        }
    }

    if !is_kept {
        return change();
    }
    IS_KEPT.set(true);
    let _reset = Reset;
    change()
}

/// Messages for the user's next page, each shown once: "Saved." after a form has redirected.
///
/// Make it a field of your value, an entry of a [`SessionMap`](crate::SessionMap), or one half of a
/// pair (`Session<(Cart, Flash)>`). A message is written in the same step as the change that it
/// reports. If several pages load at once, exactly one of them shows it. A page without messages
/// costs no write.
///
/// `M` is a `String`, or a type of yours that the page turns into text:
///
/// ```
/// # use cloakroom::{Flash, MemoryStore, Sessions};
/// #[derive(Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Visitor {
///     name: String,
///     #[serde(default)] // for sessions that were stored before this field existed
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
/// // In the handler of the form, before it redirects:
/// session
///     .update(|visitor| {
///         let before = std::mem::replace(&mut visitor.name, "Ada".into());
///         visitor.flash.push(Notice::Renamed { before });
///     })
///     .await?;
///
/// // In the handler of the next page:
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
    /// The maximum number of messages; one more replaces the oldest.
    pub const CAPACITY: usize = 32;

    /// Adds a message for the next page.
    pub fn push(&mut self, message: impl Into<M>) {
        if self.0.len() >= Self::CAPACITY {
            self.0.remove(0);
        }
        self.0.push(message.into());
    }

    /// Removes the messages and returns them, oldest first.
    ///
    /// In a request that shows its user nothing, or perhaps nothing (`HEAD`, or a prefetch with
    /// `Sec-Purpose`), none are returned and all stay, for the page that the user sees.
    pub fn take(&mut self) -> Vec<M> {
        if IS_KEPT.get() { Vec::new() } else { std::mem::take(&mut self.0) }
    }

    /// The messages, oldest first, without removing them.
    pub fn iter(&self) -> std::slice::Iter<'_, M> {
        self.0.iter()
    }

    /// True if there are no messages.
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
    fn the_oldest_messages_are_dropped_beyond_the_capacity() {
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
    fn no_messages_are_stored_as_an_empty_list() {
        assert_eq!(serde_json::to_string(&Flash::<String>::default()).unwrap(), "[]");
    }
}
