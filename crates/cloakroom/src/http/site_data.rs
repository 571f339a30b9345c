//! What browsers drop of a site at a sign-out.

use http::{HeaderName, HeaderValue};

pub(super) static CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// What browsers drop of this origin at a sign-out (W3C, "Clear Site Data").
///
/// See [`SessionsBuilder::clear_site_data`](crate::SessionsBuilder::clear_site_data). Cookies are
/// left out: browsers would remove those of all hosts of the domain, with preferences and what
/// other applications keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SiteData {
    /// Responses in the HTTP cache, and pages in the back/forward cache.
    Cache,
    /// What scripts keep: local and session storage, databases, service workers and their caches.
    Storage,
    /// Both.
    CacheAndStorage,
}

impl SiteData {
    pub(super) const fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Cache => r#""cache""#,
            Self::Storage => r#""storage""#,
            Self::CacheAndStorage => r#""cache", "storage""#,
        })
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::http::{CookiePolicy, LookedAt, ResponseHeaders, SessionOutcome, Transport};
    use crate::protocol::CookieChange;
    use crate::time::Timestamp;

    const BOTH: Option<SiteData> = Some(SiteData::CacheAndStorage);

    /// The header that is added to one of the handler's own.
    fn added(
        transport: &Transport,
        change: &CookieChange,
        signed_out: bool,
        data: Option<SiteData>,
    ) -> Option<String> {
        let mut channel = transport.compile("").unwrap();
        channel.clear_site_data = data;
        let outcome = SessionOutcome {
            change,
            repeated: true,
            signed_in: false,
            signed_out,
            looked_at: LookedAt::Nothing,
        };
        let headers = ResponseHeaders::new(&channel, outcome, || Timestamp::EPOCH);
        let listed = headers.iter().find(|(name, _)| name == CLEAR_SITE_DATA);
        let mut response = HeaderMap::new();
        response.insert(&CLEAR_SITE_DATA, HeaderValue::from_static("\"prefetchCache\""));
        headers.apply_to(&mut response);
        let mut values = response.get_all(&CLEAR_SITE_DATA).iter();
        assert_eq!(values.next().unwrap(), "\"prefetchCache\"");
        let added = values.next().cloned();
        assert_eq!(listed.map(|(_, value)| value), added);
        added.map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn it_is_cleared_at_a_sign_out_whatever_follows_it() {
        let cookie = Transport::default();
        for change in [CookieChange::Remove, CookieChange::Keep] {
            let header = added(&cookie, &change, true, BOTH);
            assert_eq!(header.unwrap(), "\"cache\", \"storage\"");
            assert_eq!(added(&cookie, &change, false, BOTH), None);
            assert_eq!(added(&cookie, &change, true, None), None);
        }
        let one = |data| added(&cookie, &CookieChange::Remove, true, Some(data)).unwrap();
        assert_eq!(
            (one(SiteData::Cache), one(SiteData::Storage)),
            ("\"cache\"".into(), "\"storage\"".into())
        );
    }

    #[test]
    fn it_is_not_cleared_where_browsers_ignore_it() {
        let plain = Transport::cookie(CookiePolicy::for_plain_http("id"));
        assert_eq!(added(&plain, &CookieChange::Remove, true, BOTH), None);
        assert_eq!(added(&Transport::bearer(), &CookieChange::Remove, true, BOTH), None);
    }
}
