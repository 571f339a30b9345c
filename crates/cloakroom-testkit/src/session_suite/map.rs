//! Session maps: a change of one key never undoes that of another.

use std::time::Duration;

use cloakroom::{ErrorKind, Flash, SessionMap, Sessions, Store};

use super::assert_kind;
use crate::{SpyStore, block_on};

/// Whatever method changes the map, and whichever request read it first.
pub fn two_requests_that_change_different_keys_both_count(store: impl Store) {
    let sessions: Sessions<SessionMap> = Sessions::new(store).expect("the policy is valid");
    block_on(async {
        let mut first = sessions.generate(SessionMap::default()).await.unwrap();
        first.insert("kept", 0).await.unwrap();
        first.insert("removed", 0).await.unwrap();
        let mut second = sessions.of_key(first.key().unwrap()).await.unwrap();
        let mut third = sessions.of_key(first.key().unwrap()).await.unwrap();
        let base = third.value().clone();
        let mut edited = base.clone();
        edited.insert("third", 3).unwrap();
        edited.remove("removed");

        first.insert("first", 1).await.unwrap();
        second.insert("second", 2).await.unwrap();
        // Extending reads the others' changes before it writes.
        third.extend(Duration::from_secs(60 * 60)).await.unwrap();
        third.merge(&base, &edited).await.unwrap();
        let mut map = sessions.of_key(first.key().unwrap()).await.unwrap();
        assert_eq!(map.value().keys().collect::<Vec<_>>(), ["first", "kept", "second", "third"]);
        assert_eq!(map.remove::<u32>("third").await.unwrap(), Some(3));
        assert_eq!(map.remove::<u32>("third").await.unwrap(), None);
    });
}

/// Reading it as another type is an error, and the entry stays.
pub fn an_entry_of_another_type_is_never_lost(store: impl Store) {
    let sessions: Sessions<SessionMap> = Sessions::new(store).expect("the policy is valid");
    block_on(async {
        let mut session = sessions.generate(SessionMap::default()).await.unwrap();
        session.insert("name", "Ada").await.unwrap();
        assert_kind(session.remove::<u32>("name").await, ErrorKind::Corrupt);
        let unwritable = std::collections::HashMap::from([((1, 2), 3)]);
        assert_kind(session.insert("name", unwritable).await, ErrorKind::Unfit);
        assert_eq!(session.value().get::<String>("name").unwrap().as_deref(), Some("Ada"));
    });
}

/// Of several pages loaded at once exactly one shows it. A page without a message writes nothing.
pub fn a_message_is_shown_once(store: impl Store) {
    let spy = SpyStore::new(store);
    let sessions: Sessions<(u32, Flash)> = Sessions::new(spy.clone()).expect("the policy is valid");
    block_on(async {
        let mut form = sessions.generate((0, Flash::default())).await.unwrap();
        let key = form.key().unwrap().clone();
        form.update(|(saved, flash)| {
            *saved += 1;
            flash.push("Saved.");
        })
        .await
        .unwrap();
        let mut pages = Vec::new();
        for _ in 0..3 {
            pages.push(sessions.of_key(&key).await.unwrap());
        }
        let mut shown = Vec::new();
        for page in &mut pages {
            assert_eq!(
                page.value().1.iter().count(),
                1,
                "each page read the message before any took it"
            );
            shown.extend(page.update(|(_, flash)| flash.take()).await.unwrap());
        }
        assert_eq!(shown, ["Saved."]);
        spy.reset();
        assert!(
            sessions
                .of_key(&key)
                .await
                .unwrap()
                .update(|(_, flash)| flash.take())
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!((spy.calls().get, spy.calls().total()), (1, 1));
    });
}

/// The same for a message in a map.
pub fn a_map_without_a_message_is_not_written(store: impl Store) {
    let spy = SpyStore::new(store);
    let sessions: Sessions<SessionMap> = Sessions::new(spy.clone()).expect("the policy is valid");
    block_on(async {
        let mut session = sessions.generate(SessionMap::default()).await.unwrap();
        spy.reset();
        let none = session
            .update(|map| map.change("flash", Flash::<String>::take))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((none.len(), spy.calls().total()), (0, 0));
        session
            .update(|map| map.change("flash", |flash: &mut Flash| flash.push("Saved.")))
            .await
            .unwrap()
            .unwrap();
        let shown = session
            .update(|map| map.change("flash", Flash::<String>::take))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(shown, ["Saved."]);
    });
}
