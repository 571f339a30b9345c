//! Writes an entry's fields.

use std::time::Duration;

use super::{EXPLICIT, OUTLIVES_BROWSER, REASONS, VERSION};
use crate::key::{KeyFamily, KindTag};
use crate::policy::{ClientInfo, Lifetime, Principal};
use crate::record::{Credentials, Ending, Extensions, RecordFields, Retirement};
use crate::time::Timestamp;

/// Appends fields to bytes.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The head of a live session.
    pub(super) fn record(&mut self, fields: &RecordFields) {
        self.byte(VERSION);
        self.byte(0);
        self.longs([
            fields.idle_deadline.as_millis(),
            fields.absolute_deadline.as_millis(),
            fields.revision.count,
            fields.revision.token,
            fields.created.as_millis(),
            fields.authenticated_at.as_millis(),
        ]);
        self.lifetime(&fields.lifetime);
        self.credentials(&fields.credentials);
        self.principal(fields.principal.as_ref());
        self.extensions(&fields.extensions);
        self.byte(fields.assurance.level());
        self.client(&fields.client);
        self.family(fields.credentials.stored_family());
        self.kind(fields.kind);
    }

    pub(super) fn ending(&mut self, ending: Ending) {
        self.byte(VERSION);
        let reason = REASONS.iter().find(|(_, reason)| *reason == ending.reason);
        self.byte(reason.map_or(1, |(byte, _)| *byte));
        self.time(ending.at);
        self.time(ending.keep_until);
    }

    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn long(&mut self, number: u64) {
        self.0.extend(number.to_be_bytes());
    }

    fn longs<const N: usize>(&mut self, numbers: [u64; N]) {
        let bytes = numbers.map(u64::to_be_bytes);
        self.0.extend_from_slice(bytes.as_flattened());
    }

    fn time(&mut self, time: Timestamp) {
        self.long(time.as_millis());
    }

    fn lifetime(&mut self, lifetime: &Lifetime) {
        let span = |span: Option<Duration>| {
            span.map_or(0, |span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX).max(1))
        };
        self.longs([
            span(lifetime.idle_timeout()),
            span(Some(lifetime.absolute_timeout())),
            span(lifetime.renewal_timeout()),
        ]);
        let outlives_browser = if lifetime.outlives_browser() { OUTLIVES_BROWSER } else { 0 };
        let explicit = if lifetime.is_explicit() { EXPLICIT } else { 0 };
        self.byte(outlives_browser | explicit);
    }

    pub(super) fn credentials(&mut self, credentials: &Credentials) {
        self.0.extend(credentials.current.as_bytes());
        self.time(credentials.renew_at);
        self.time(credentials.cookie_until);
        self.byte(u8::from(credentials.successor().is_some()));
        if let Some(successor) = credentials.successor() {
            self.0.extend(successor.verifier.as_bytes());
            self.0.extend(successor.nonce.as_bytes());
            self.time(successor.seen.unwrap_or(Timestamp::EPOCH));
        }
        self.byte(u8::try_from(credentials.retired().len()).unwrap_or(u8::MAX));
        for retired in credentials.retired() {
            self.long(retired.prefix);
            self.time(retired.at);
            self.byte(u8::from(retired.how == Retirement::SignIn));
        }
    }

    pub(super) fn principal(&mut self, principal: Option<&Principal>) {
        self.text(principal.map_or("", Principal::as_str));
    }

    pub(super) fn extensions(&mut self, extensions: &Extensions) {
        self.0.extend_from_slice(extensions.as_area());
    }

    fn client(&mut self, client: &ClientInfo) {
        if !client.is_known() {
            self.0.extend_from_slice(&[0; 3]);
            return;
        }
        self.text(client.label().unwrap_or_default());
        self.text(client.user_agent().unwrap_or_default());
        self.text(&client.address().map(|address| address.to_string()).unwrap_or_default());
    }

    fn family(&mut self, family: Option<KeyFamily>) {
        self.byte(u8::from(family.is_some()));
        self.0.extend(family.iter().flat_map(KeyFamily::as_bytes));
    }

    fn kind(&mut self, kind: KindTag) {
        let other = Some(kind).filter(|kind| *kind != KindTag::DEFAULT);
        self.byte(u8::from(other.is_some()));
        self.0.extend(other.iter().flat_map(KindTag::as_bytes));
    }

    /// No text here is longer than 255 bytes: their types see to that.
    fn text(&mut self, text: &str) {
        self.byte(u8::try_from(text.len()).unwrap_or(u8::MAX));
        self.0.extend(text.as_bytes());
    }
}
