//! How the first release reads and writes entries. Frozen: do not edit.
//!
//! It stands for an older node that shares a store with the current version, and uses nothing of
//! the library. If it cannot read what a change to the library writes, the change would lock the
//! users of such a node out.

const VERSION: u8 = 1;
const REASONS: u8 = 7;
const MAX_RETIRED: u8 = 8;
const MAX_EXTENSIONS: u8 = 16;
const MAX_EXTENSION_BYTES: usize = 1024;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    Malformed,
    Critical(u8),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Live(Live),
    Ended { reason: u8, at: u64, keep_until: u64, kept: Kept },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Live {
    pub(super) idle_deadline: u64,
    pub(super) absolute_deadline: u64,
    pub(super) revision: (u64, u64),
    pub(super) created: u64,
    pub(super) authenticated_at: u64,
    /// Idle, absolute and renewal timeout.
    pub(super) lifetime: [u64; 3],
    /// 1: outlives the browser; 2: an explicit expiry.
    pub(super) lifetime_flags: u8,
    pub(super) kept: Kept,
    pub(super) assurance: u8,
    /// Label, user agent and address.
    pub(super) client: [String; 3],
    pub(super) family: Option<[u8; 16]>,
    /// `None` for the default kind of session.
    pub(super) kind: Option<[u8; 16]>,
    pub(super) payload: Option<Vec<u8>>,
}

/// What live and ended sessions have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) verifier: [u8; 32],
    pub(super) renew_at: u64,
    pub(super) cookie_until: u64,
    /// Verifier, nonce, first seen.
    pub(super) successor: Option<([u8; 32], [u8; 16], u64)>,
    /// Prefix of the verifier, when, and whether by sign-in.
    pub(super) retired: Vec<(u64, u64, bool)>,
    pub(super) principal: String,
    pub(super) extensions: Vec<Extension>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Extension {
    pub(super) tag: u8,
    pub(super) is_critical: bool,
    pub(super) bytes: Vec<u8>,
}

pub(super) fn read(bytes: &[u8]) -> Result<Entry, Unreadable> {
    let mut input = Input(bytes);
    if input.byte()? != VERSION {
        return Err(Unreadable::Malformed);
    }
    let entry = match input.byte()? {
        0 => Entry::Live(input.live()?),
        reason @ 1..=REASONS => {
            let (at, keep_until) = (input.long()?, input.long()?);
            Entry::Ended { reason, at, keep_until, kept: input.kept()? }
        }
        _ => return Err(Unreadable::Malformed),
    };
    if input.0.is_empty() { Ok(entry) } else { Err(Unreadable::Malformed) }
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn live(&mut self) -> Result<Live, Unreadable> {
        Ok(Live {
            idle_deadline: self.long()?,
            absolute_deadline: self.long()?,
            revision: (self.long()?, self.long()?),
            created: self.long()?,
            authenticated_at: self.long()?,
            lifetime: [self.long()?, self.long()?, self.long()?],
            lifetime_flags: self.count(3)?,
            kept: self.kept()?,
            assurance: self.byte()?,
            client: [self.text()?, self.text()?, self.text()?],
            family: if self.flag()? { Some(self.array()?) } else { None },
            kind: if self.flag()? { Some(self.array()?) } else { None },
            payload: if self.flag()? { Some(std::mem::take(&mut self.0).to_vec()) } else { None },
        })
    }

    fn kept(&mut self) -> Result<Kept, Unreadable> {
        let (verifier, renew_at, cookie_until) = (self.array()?, self.long()?, self.long()?);
        let successor =
            if self.flag()? { Some((self.array()?, self.array()?, self.long()?)) } else { None };
        let mut retired = Vec::new();
        for _ in 0..self.count(MAX_RETIRED)? {
            retired.push((self.long()?, self.long()?, self.flag()?));
        }
        let (principal, extensions) = (self.text()?, self.extensions()?);
        Ok(Kept { verifier, renew_at, cookie_until, successor, retired, principal, extensions })
    }

    fn extensions(&mut self) -> Result<Vec<Extension>, Unreadable> {
        let (before, mut all) = (self.0.len(), Vec::<Extension>::new());
        for _ in 0..self.count(MAX_EXTENSIONS)? {
            let (tag, is_critical) = (self.byte()?, self.flag()?);
            let length = u16::from_be_bytes(self.array()?);
            let bytes = self.take(usize::from(length))?.to_vec();
            if all.last().is_some_and(|last| last.tag >= tag) {
                return Err(Unreadable::Malformed);
            }
            all.push(Extension { tag, is_critical, bytes });
        }
        if before - self.0.len() > MAX_EXTENSION_BYTES {
            return Err(Unreadable::Malformed);
        }
        match all.iter().find(|extension| extension.is_critical) {
            Some(extension) => Err(Unreadable::Critical(extension.tag)),
            None => Ok(all),
        }
    }

    fn take(&mut self, count: usize) -> Result<&[u8], Unreadable> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Unreadable::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Unreadable> {
        self.take(N)?.try_into().map_err(|_| Unreadable::Malformed)
    }

    fn byte(&mut self) -> Result<u8, Unreadable> {
        self.array().map(|[byte]| byte)
    }

    fn count(&mut self, most: u8) -> Result<u8, Unreadable> {
        Some(self.byte()?).filter(|count| *count <= most).ok_or(Unreadable::Malformed)
    }

    fn flag(&mut self) -> Result<bool, Unreadable> {
        self.count(1).map(|flag| flag == 1)
    }

    fn long(&mut self) -> Result<u64, Unreadable> {
        self.array().map(u64::from_be_bytes)
    }

    fn text(&mut self) -> Result<String, Unreadable> {
        let length = self.byte()?;
        let text = self.take(usize::from(length))?.to_vec();
        String::from_utf8(text).map_err(|_| Unreadable::Malformed)
    }
}

pub(super) fn write(entry: &Entry) -> Vec<u8> {
    let mut out = vec![VERSION];
    match entry {
        Entry::Live(live) => {
            out.push(0);
            longs(&mut out, &[live.idle_deadline, live.absolute_deadline]);
            longs(&mut out, &[live.revision.0, live.revision.1]);
            longs(&mut out, &[live.created, live.authenticated_at]);
            longs(&mut out, &live.lifetime);
            out.push(live.lifetime_flags);
            write_kept(&mut out, &live.kept);
            out.push(live.assurance);
            live.client.iter().for_each(|text| write_text(&mut out, text));
            out.push(u8::from(live.family.is_some()));
            out.extend(live.family.iter().flatten());
            out.push(u8::from(live.kind.is_some()));
            out.extend(live.kind.iter().flatten());
            out.push(u8::from(live.payload.is_some()));
            out.extend(live.payload.iter().flatten());
        }
        Entry::Ended { reason, at, keep_until, kept } => {
            out.push(*reason);
            longs(&mut out, &[*at, *keep_until]);
            write_kept(&mut out, kept);
        }
    }
    out
}

fn write_kept(out: &mut Vec<u8>, kept: &Kept) {
    out.extend(kept.verifier);
    longs(out, &[kept.renew_at, kept.cookie_until]);
    out.push(u8::from(kept.successor.is_some()));
    if let Some((verifier, nonce, seen)) = kept.successor {
        out.extend(verifier);
        out.extend(nonce);
        longs(out, &[seen]);
    }
    out.push(u8::try_from(kept.retired.len()).unwrap());
    for (prefix, at, by_sign_in) in &kept.retired {
        longs(out, &[*prefix, *at]);
        out.push(u8::from(*by_sign_in));
    }
    write_text(out, &kept.principal);
    out.push(u8::try_from(kept.extensions.len()).unwrap());
    for extension in &kept.extensions {
        out.extend([extension.tag, u8::from(extension.is_critical)]);
        out.extend(u16::try_from(extension.bytes.len()).unwrap().to_be_bytes());
        out.extend(&extension.bytes);
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(u8::try_from(text.len()).unwrap());
    out.extend(text.as_bytes());
}

fn longs(out: &mut Vec<u8>, numbers: &[u64]) {
    out.extend(numbers.iter().flat_map(|number| number.to_be_bytes()));
}
