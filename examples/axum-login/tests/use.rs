//! The same requests to each program, and the same answers.

use example_client::{Answer, Browser, Example};

const ORIGINAL: &str = env!("CARGO_BIN_EXE_original");
const ONE_LINE: &str = env!("CARGO_BIN_EXE_one_line");
const NATIVE: &str = env!("CARGO_BIN_EXE_native");

const RIGHT: &str = "username=ferris&password=hunter42";

/// Status, Location, and what the page says.
type Summary = (u16, String, String);

/// Uses a program that has just started as one browser would, from a link to the sign-out.
fn visit(browser: &mut Browser) -> Vec<Summary> {
    let mut answers = Vec::new();
    let mut take = |answer: Answer| answers.push(summary(&answer));
    take(browser.get("/?page=2"));
    take(browser.get("/login?next=%2F%3Fpage%3D2"));
    take(browser.submit("/login", "username=ferris&password=wrong&next=%2F%3Fpage%3D2"));
    take(browser.get("/login?next=%2F%3Fpage%3D2"));
    take(browser.get("/login?next=%2F%3Fpage%3D2"));
    take(browser.submit("/login", "username=gopher&password=hunter42"));
    take(browser.get("/login"));
    take(browser.submit("/login", &format!("{RIGHT}&next=%2F%3Fpage%3D2")));
    take(browser.get("/?page=2"));
    take(browser.get("/"));
    take(browser.get("/logout"));
    take(browser.get("/"));
    take(browser.submit("/login", &format!("{RIGHT}&next=https%3A%2F%2Fevil.example")));
    take(browser.submit("/login", "username=ferris"));
    take(browser.get("/elsewhere"));
    answers
}

fn summary(answer: &Answer) -> Summary {
    let location = answer.header("location").unwrap_or_default().to_owned();
    (answer.status, location, answer.body.clone())
}

#[test]
fn each_program_gives_the_same_answers() {
    let [original, one_line, native] = [ORIGINAL, ONE_LINE, NATIVE].map(|program| {
        let example = Example::start(program);
        visit(&mut example.browser())
    });
    assert_eq!(original, one_line);
    assert_eq!(original, native);

    // What they are, so that three programs that all fail do not pass.
    let heads = original.iter().map(|(status, location, _)| (*status, location.as_str()));
    let expected = [
        (307, "/login?next=%2f%3fpage%3d2"),
        (200, ""),
        (303, "/login?next=%2f%3fpage%3d2"),
        (200, ""),
        (200, ""),
        (303, "/login"),
        (200, ""),
        (303, "/?page=2"),
        (200, ""),
        (200, ""),
        (303, "/login"),
        (307, "/login?next=%2f"),
        (303, "/"),
        (422, ""),
        (404, ""),
    ];
    assert_eq!(heads.collect::<Vec<_>>(), expected);
    let says = |step: usize, text: &str| original[step].2.contains(text);
    assert!(says(1, r#"name="next" value="/?page=2""#) && !says(1, "Wrong"));
    assert!(says(3, "Wrong name or password.") && !says(4, "Wrong"));
    assert!(says(8, "Welcome, ferris.") && says(8, "You are ferris."));
    assert!(says(9, "You are ferris.") && !says(9, "Welcome"));
}

#[test]
fn on_a_store_of_ours_a_sign_in_survives_a_crash() {
    for (program, status) in [(ORIGINAL, 307), (ONE_LINE, 200), (NATIVE, 200)] {
        let mut example = Example::start(program);
        let mut ferris = example.browser();
        assert_eq!(ferris.post("/login", RIGHT), 303);
        assert_eq!(ferris.get("/").status, 200);
        example.restart();
        ferris.move_to(example.port());
        assert_eq!(ferris.get("/").status, status, "{program}");
    }
}

#[test]
fn on_a_store_of_ours_a_key_from_before_the_sign_out_opens_nothing() {
    for program in [ONE_LINE, NATIVE] {
        let example = Example::start(program);
        let mut ferris = example.browser();
        ferris.post("/login", RIGHT);
        let mut copy = ferris.clone();
        ferris.get("/logout");
        assert!(copy.has_cookies());
        assert_eq!(copy.get("/").status, 307, "{program}");
    }
}
