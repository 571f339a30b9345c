//! What a session costs a request, next to tower-sessions, ruts, `axum_session` and actix-session.

pub(crate) mod actix;
pub(crate) mod axum_session;
mod ruts;
pub(crate) mod tower_sessions;

use cloakroom_bench::Failure;
use cloakroom_bench::options::{Goals, Options};
use cloakroom_bench::overhead;
use cloakroom_bench::overhead::case::Case;
use cloakroom_bench::overhead::contender::{
    BASELINE, CLOAKROOM, Contender, ENCODED, OBSERVED, OURS, PLAIN, SetsCookie, on_axum,
};
use cloakroom_bench::overhead::measured::{Group, Measure, Measured};
use cloakroom_bench::overhead::server::on_router;

const TOWER: &str = "tower-sessions";
const RUTS: &str = "ruts";
const AXUM_SESSION: &str = "axum_session";
const ACTIX: &str = "actix-web";
const CLOAKROOM_ACTIX: &str = "cloakroom actix";
const ACTIX_SESSION: &str = "actix-session";

const THEIRS: [Contender; 6] = [
    on_axum(TOWER, SetsCookie::OnChange, || {
        let (router, layer) = tower_sessions::app();
        Box::pin(async { Ok(on_router(router.layer(layer))) })
    }),
    on_axum(RUTS, SetsCookie::OnNew, || Box::pin(async { Ok(on_router(ruts::app())) })),
    on_axum(AXUM_SESSION, SetsCookie::Always, || {
        Box::pin(async {
            let (router, layer) = axum_session::app().await?;
            Ok(on_router(router.layer(layer)))
        })
    }),
    on_actix(ACTIX, SetsCookie::Never, || Box::pin(async { Ok(actix::plain_service().await) })),
    on_actix(CLOAKROOM_ACTIX, SetsCookie::OnNew, || Box::pin(actix::cloakroom_service())),
    on_actix(ACTIX_SESSION, SetsCookie::OnChange, || {
        Box::pin(async { Ok(actix::peer_service().await) })
    }),
];

const fn on_actix(
    name: &'static str,
    sets_cookie: SetsCookie,
    open: fn() -> overhead::contender::Opening,
) -> Contender {
    Contender { name, bare: ACTIX, sets_cookie, open }
}

const GROUPS: [Group; 2] = [
    Group {
        title: "axum",
        bare: PLAIN,
        contenders: &[BASELINE, CLOAKROOM, ENCODED, OBSERVED, TOWER, RUTS, AXUM_SESSION],
        ratios: &[(CLOAKROOM, BASELINE), (CLOAKROOM, TOWER)],
    },
    Group {
        title: "actix-web",
        bare: ACTIX,
        contenders: &[CLOAKROOM_ACTIX, ACTIX_SESSION],
        ratios: &[(CLOAKROOM_ACTIX, ACTIX_SESSION)],
    },
];

fn contenders() -> Vec<Contender> {
    OURS.into_iter().chain(THEIRS).collect()
}

pub(crate) fn bench(options: Options) -> Result<bool, Failure> {
    let (mut report, measured) =
        overhead::bench("compare-overhead", &contenders(), &GROUPS, options)?;
    let peers = ["cloakroom", "axum", TOWER, RUTS, AXUM_SESSION, ACTIX, ACTIX_SESSION, "sha2"];
    report.versions_in(crate::LOCK, &peers);
    options.finish(&report, &check(&measured))
}

pub(crate) fn drive(words: &[&str]) -> Result<(), Failure> {
    overhead::drive(&contenders(), words)
}

/// The package's own goals, and shares of what the peers cost in instructions.
fn check(measured: &Measured) -> Goals {
    const OF_TOWER: [(Case, f64); 4] = [
        (Case::Untouched, 1.0 / 3.0),
        (Case::Read, 1.0 / 4.0),
        (Case::ReadWrite, 1.0 / 4.5),
        (Case::New, 1.0 / 3.5),
    ];
    const OF_ACTIX_SESSION: f64 = 1.0 / 3.0;
    let mut goals = overhead::check(measured);
    let instructions =
        |ours, theirs, case| measured.ratio(ours, theirs, case, Measure::Instructions);
    for (case, share) in OF_TOWER {
        let what = format!("{case}, instructions of {TOWER}'");
        goals.at_most(&what, instructions(CLOAKROOM, TOWER, case), share);
    }
    for case in Case::ALL {
        let what = format!("{case}, instructions of {ACTIX_SESSION}'s");
        let found = instructions(CLOAKROOM_ACTIX, ACTIX_SESSION, case);
        goals.at_most(&what, found, OF_ACTIX_SESSION);
    }
    goals
}
