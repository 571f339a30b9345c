//! The commonest mistakes are answered with a sentence, not with a wall of bounds.

#[test]
fn the_compiler_explains_the_commonest_mistakes() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
