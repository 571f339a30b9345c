//! What must hold in every reachable state.

mod check;

use stateright::Property;

use crate::model::Cloakroom;
use crate::state::State;

/// Declares the laws: a name in code, and what it says.
macro_rules! laws {
    ($($law:ident $name:literal)*) => {
        /// A law of the protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) enum Law {
            $($law),*
        }

        impl Law {
            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$law => $name),*
                }
            }
        }
    };
}

laws! {
    // Values.
    AcknowledgedWritesStay "no acknowledged write is lost"
    WritesHappenOnce "no write happens twice"
    DenialsAreTrue "no write happens that is said not to have happened"
    BookkeepingKeepsTheValue "touches and renewals leave the value alone, and end nothing sooner"
    WorkingKeysWrite "a working key is not refused a write"
    // Keys.
    OnlyWorkingKeysWrite "only a working key writes, or a former one to sign the same user in"
    OnlyWorkingKeysEnd "only a working key ends its session"
    RetiredKeysOpenNothing "a retired key opens nothing"
    RetiredKeysAreRecognized "a retired key is recognized, later as reuse"
    ReuseEnds "a reused key ends its session"
    ReuseSparesSignIns "reuse that was judged before a sign-in ends nothing after it"
    WorkingKeysOpen "a working key opens its session"
    ValidKeysWin "of several keys a working one wins"
    AtMostTwoKeysWork "at most two keys work, one after a sign-in"
    OneSuccessor "all holders of a key are sent the same successor"
    RenewalStarts "a renewal starts when it is due"
    RenewalCompletes "a key retires a minute after its successor is used"
    NextKeyIsSent "the holder of a key that is being renewed is sent the next"
    SupersededBeginsNothing "a superseded key begins nothing"
    SupersededKeysRetire "no key is superseded for longer than a minute, whatever the clock does"
    RenewalIsNotPostponed "a renewal is not postponed by a clock that is set back"
    PeeksChangeNothing "a read that is no use of the session changes nothing"
    BearerKeysStay "a bearer key stays one, and is not renewed"
    ReasonsAreTold "the holder of a key learns why the session was ended"
    ReasonsAreSecret "no one else learns why a session was ended"
    OperationsGoOn "no operation is left without a next step"
    // Time.
    NothingRevives "nothing comes back from the dead"
    DeadlinesHold "nothing opens past its end"
    UsesCount "a use moves the idle deadline"
    TouchesAreCoalesced "touches are coalesced"
    ExtensionsCount "an extension takes effect"
    ExtensionsRenewByNeed "an extension renews the key only if its cookie would end too early"
    CookieOutlivesRecord "a cookie never ends before its record"
    TombstonesStay "a tombstone is kept for a day"
    // Sign-ins.
    OnePrincipal "a session never passes to another principal"
    SwitchesEnd "a sign-in as another principal ends the session"
    OnlyAnotherSwitches "a sign-in as the same principal ends no session"
    RepeatedSignInsConverge "a sign-in that is sent again leads to the same key"
    RevokedStaysOver "a sign-in takes up no session that a revocation should have ended"
    RevokedFailsRequirements "no sign-in is confirmed that was revoked"
    LogoutEnds "a sign-out ends the session"
    LogoutEndsAll "a sign-out ends every session whose key it presents"
    SignedInIsListed "every session with a principal is in the index, for as long as it lasts"
    AnsweredIsListed "every answered sign-in is in the index"
    LimitHolds "no principal has more sessions than the limit allows"
    LimitEndsTheOldest "a limit ends the oldest sign-in"
    LimitEndsNoMore "a limit ends no more sessions than necessary"
    RevocationHolds "a revocation ends every earlier sign-in"
    RefusedSignInsEnd "a sign-in that is refused leaves no session"
    RefusalsSpareSignIns "a sign-in that is refused ends no newer one"
    ImportsConverge "an import finds what another has imported"
    // Browsers.
    ReadsSignNoOneOut "no answer to a read removes a working key from its browser"
    ForeignSitesReplaceNothing "a foreign site takes no working key from a browser"
    ForeignSitesSignNoOneIn "a foreign site signs no one in"
    FirstVisitsBegin "a browser without a session can begin one by a link from another site"
    VerifiedSignInsWork "another site's form signs in once the application has checked it"
    UnreadableKeysStay "no write takes the key of an unreadable record from its browser"
    PromptRequestsOpen "a prompt request is never refused"
    // Trials: one more request, undisturbed.
    LoginAlwaysWorks "one undisturbed sign-in works, from any state"
    LoginFindsTheData "one undisturbed sign-in finds what was written, from any state"
    NoOneIsStuck "after a minute a first write works, from any state"
    NoOneIsLockedOut "the network alone locks no one out"
    DoubleClickSignsIn "a double click ends signed in"
    DoubleClickKeepsTheData "a double click ends with what was written"
}

/// The laws that hold in every scenario, unless it says otherwise.
pub(crate) const ALWAYS: &[Law] = &[
    Law::AcknowledgedWritesStay,
    Law::WritesHappenOnce,
    Law::DenialsAreTrue,
    Law::BookkeepingKeepsTheValue,
    Law::WorkingKeysWrite,
    Law::OnlyWorkingKeysWrite,
    Law::OnlyWorkingKeysEnd,
    Law::RetiredKeysOpenNothing,
    Law::RetiredKeysAreRecognized,
    Law::ReuseEnds,
    Law::ReuseSparesSignIns,
    Law::WorkingKeysOpen,
    Law::ValidKeysWin,
    Law::AtMostTwoKeysWork,
    Law::OneSuccessor,
    Law::RenewalStarts,
    Law::RenewalCompletes,
    Law::NextKeyIsSent,
    Law::SupersededBeginsNothing,
    Law::SupersededKeysRetire,
    Law::PeeksChangeNothing,
    Law::BearerKeysStay,
    Law::ReasonsAreTold,
    Law::ReasonsAreSecret,
    Law::OperationsGoOn,
    Law::NothingRevives,
    Law::DeadlinesHold,
    Law::UsesCount,
    Law::TouchesAreCoalesced,
    Law::ExtensionsCount,
    Law::CookieOutlivesRecord,
    Law::TombstonesStay,
    Law::OnePrincipal,
    Law::SwitchesEnd,
    Law::OnlyAnotherSwitches,
    Law::RepeatedSignInsConverge,
    Law::RevokedStaysOver,
    Law::RevokedFailsRequirements,
    Law::LogoutEnds,
    Law::LogoutEndsAll,
    Law::AnsweredIsListed,
    Law::LimitHolds,
    Law::LimitEndsNoMore,
    Law::RevocationHolds,
    Law::RefusedSignInsEnd,
    Law::RefusalsSpareSignIns,
    Law::ImportsConverge,
    Law::ReadsSignNoOneOut,
    Law::ForeignSitesReplaceNothing,
    Law::ForeignSitesSignNoOneIn,
    Law::LoginAlwaysWorks,
    Law::NoOneIsStuck,
];

/// What a single browser can rely on while no one signs in or out and no deadline passes, whatever
/// the network does.
pub(crate) const SOLE_BROWSER: &[Law] = &[Law::NoOneIsLockedOut, Law::PromptRequestsOpen];

impl Law {
    pub(crate) fn property(self) -> Property<Cloakroom> {
        let name = self.name();
        macro_rules! always {
            ($check:path) => {
                Property::always(name, |model, state| $check(model, state))
            };
        }
        match self {
            Self::AcknowledgedWritesStay => always!(check::acknowledged_writes_stay),
            Self::WritesHappenOnce => always!(check::writes_happen_once),
            Self::NothingRevives => always!(check::nothing_revives),
            Self::RetiredKeysOpenNothing => always!(check::retired_keys_open_nothing),
            Self::RetiredKeysAreRecognized => always!(check::retired_keys_are_recognized),
            Self::SupersededKeysRetire => always!(check::superseded_keys_retire),
            Self::WorkingKeysOpen => always!(check::working_keys_open),
            Self::AtMostTwoKeysWork => always!(check::at_most_two_keys_work),
            Self::DeadlinesHold => always!(check::deadlines_hold),
            Self::TombstonesStay => always!(check::tombstones_stay),
            Self::SignedInIsListed => always!(check::signed_in_is_listed),
            Self::AnsweredIsListed => always!(check::answered_is_listed),
            Self::LimitHolds => always!(check::limit_holds),
            Self::RevocationHolds => always!(check::revocation_holds),
            Self::LoginAlwaysWorks => always!(check::login_always_works),
            Self::LoginFindsTheData => always!(check::login_finds_the_data),
            Self::NoOneIsStuck => always!(check::no_one_is_stuck),
            Self::NoOneIsLockedOut => always!(check::no_one_is_locked_out),
            Self::DoubleClickSignsIn => always!(check::double_click_signs_in),
            Self::DoubleClickKeepsTheData => always!(check::double_click_keeps_the_data),
            // Laws about steps are recorded by the step that breaks one. Every law has its own
            // function, since a property is a function without an environment.
            law => recorded(law),
        }
    }
}

/// A law that the step that breaks it records.
fn recorded(law: Law) -> Property<Cloakroom> {
    macro_rules! one_of {
        ($($law:ident)*) => {
            match law {
                $(Law::$law => |_: &Cloakroom, state: &State| {
                    !state.shadow.broken.contains(&Law::$law)
                },)*
                // A law that is missing below holds nowhere.
                _ => |_: &Cloakroom, _: &State| false,
            }
        };
    }
    let holds: fn(&Cloakroom, &State) -> bool = one_of! {
        DenialsAreTrue BookkeepingKeepsTheValue WorkingKeysWrite OnlyWorkingKeysWrite
        OnlyWorkingKeysEnd
        ReuseEnds ReuseSparesSignIns ValidKeysWin OneSuccessor RenewalStarts RenewalCompletes
        NextKeyIsSent UnreadableKeysStay RefusedSignInsEnd ImportsConverge
        SupersededBeginsNothing ReasonsAreTold ReasonsAreSecret UsesCount TouchesAreCoalesced
        ExtensionsCount CookieOutlivesRecord OnePrincipal SwitchesEnd OnlyAnotherSwitches
        LogoutEnds LogoutEndsAll LimitEndsTheOldest LimitEndsNoMore ReadsSignNoOneOut
        ForeignSitesReplaceNothing ForeignSitesSignNoOneIn PromptRequestsOpen
        RenewalIsNotPostponed PeeksChangeNothing BearerKeysStay RepeatedSignInsConverge
        RevokedStaysOver RevokedFailsRequirements FirstVisitsBegin VerifiedSignInsWork
        ExtensionsRenewByNeed RefusalsSpareSignIns OperationsGoOn
    };
    Property::always(law.name(), holds)
}
