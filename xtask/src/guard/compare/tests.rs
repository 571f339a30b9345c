//! What the guard lets pass, and what it does not.

use super::*;

fn figures(figures: &[(&str, f64)]) -> Figures {
    figures.iter().map(|(name, figure)| ((*name).to_owned(), *figure)).collect()
}

/// True if the figure may become this.
fn passes(name: &str, old: f64, new: f64) -> bool {
    let comparison = Comparison::of(&figures(&[(name, old)]), &figures(&[(name, new)]), Scale::Absolute);
    comparison.outcome().is_ok()
}

#[test]
fn instructions_may_grow_by_what_is_noise_and_by_no_more() {
    let name = "cloakroom, read: instructions";
    assert!(passes(name, 1000.0, 1030.0) && passes(name, 1000.0, 500.0));
    assert!(!passes(name, 1000.0, 1031.0) && !passes(name, 1000.0, f64::NAN));
}

#[test]
fn an_allocation_more_is_noticed_and_a_table_that_grows_is_not() {
    let name = "cloakroom, new: allocations";
    assert!(passes(name, 9.0, 9.015) && !passes(name, 9.0, 9.03) && passes(name, 9.0, 8.0));
}

#[test]
fn no_call_of_a_store_and_no_round_trip_may_be_added() {
    for name in ["memory, login: store calls", "redis, login: round trips"] {
        assert!(passes(name, 4.0, 4.0) && passes(name, 4.0, 3.0) && !passes(name, 4.0, 5.0));
    }
    assert!(!passes("redis, ignore: round trips", 0.0, 1.0));
}

#[test]
fn what_others_cost_is_shown_and_not_held() {
    for name in ["plain, read: instructions", "limit, read: allocations", "cloakroom, read: hashing"] {
        assert!(passes(name, 10.0, 1000.0));
    }
}

#[test]
fn what_is_measured_no_more_or_for_the_first_time_must_be_accepted() {
    let one = figures(&[("cloakroom, read: instructions", 1.0)]);
    assert!(Comparison::of(&one, &Figures::new(), Scale::Absolute).outcome().is_err());
    assert!(Comparison::of(&Figures::new(), &one, Scale::Absolute).outcome().is_err());
}

#[test]
fn under_another_compiler_instructions_are_compared_by_their_share_of_the_limits() {
    let of = |ours: f64, limit: f64| {
        figures(&[("cloakroom, read: instructions", ours), ("limit, read: instructions", limit)])
    };
    let compare = |new: &Figures, scale| Comparison::of(&of(2000.0, 1000.0), new, scale).outcome().is_ok();
    assert!(!compare(&of(3000.0, 1500.0), Scale::Absolute));
    assert!(compare(&of(3000.0, 1500.0), Scale::OverTheLimit));
    assert!(!compare(&of(3000.0, 1400.0), Scale::OverTheLimit));
    let facts = |rustc: &str| Facts::from([("rustc".to_owned(), rustc.to_owned())]);
    assert_eq!(Scale::between(&facts("1"), &facts("1")), Scale::Absolute);
    assert_eq!(Scale::between(&facts("1"), &facts("2")), Scale::OverTheLimit);
}

#[test]
fn the_table_tells_old_and_new_and_what_came_of_it() {
    let (old, new) = (
        figures(&[("cloakroom, read: instructions", 1000.0)]),
        figures(&[("cloakroom, read: instructions", 1100.0)]),
    );
    let table = Comparison::of(&old, &new, Scale::Absolute).to_string();
    let last: Vec<&str> = table.lines().last().unwrap().split_whitespace().collect();
    assert_eq!(last, ["cloakroom,", "read:", "instructions", "1000", "1100", "+10.0%", "GREW"]);
}
