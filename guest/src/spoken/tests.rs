//! Whom words go to, in tables, and that no way to cut or to twist them changes it.

use proptest::prelude::*;

use super::*;
use crate::reply::What;

fn origin() -> MessageId {
    MessageId::parse("m1").unwrap()
}

fn plain(replies: Vec<Reply>) -> Vec<(Option<String>, String)> {
    let words = |reply: Reply| {
        let What::Words(text) = reply.what else { panic!("{:?}", reply.what) };
        (reply.to, text)
    };
    replies.into_iter().map(words).collect()
}

#[track_caller]
fn check(text: &str, expected: &[(Option<&str>, &str)]) {
    let said = plain(replies(text, &origin()));
    let said: Vec<_> = said.iter().map(|(to, text)| (to.as_deref(), text.as_str())).collect();
    assert_eq!(said, expected, "{text:?}");
}

#[track_caller]
fn is_text(text: &str) {
    check(text, &[(None, text)]);
}

#[test]
fn words_go_to_the_origin_and_blocks_to_whom_they_name() {
    check("hello", &[(None, "hello")]);
    check("<message to=\"ops\">red</message>", &[(Some("ops"), "red")]);
    check("<MESSAGE\n to = 'ops' urgent>red</Message >", &[(Some("ops"), "red")]);
    check("<message to=ops>red</message>", &[(Some("ops"), "red")]);
    check(
        "Done.\n<message to=\"ops\">\nred & <b>\n</message>\n\n<message to='bob'>hi</message>\nBye",
        &[(None, "Done."), (Some("ops"), "red & <b>"), (Some("bob"), "hi"), (None, "Bye")],
    );
    check("<message>a</message>b", &[(None, "a"), (None, "b")]);
    check("<message to=\"\">a</message>", &[(None, "a")]);
    check("<message to=\"a &amp; b\">&lt;</message>", &[(Some("a &amp; b"), "&lt;")]);
}

#[test]
fn what_is_internal_is_never_shown_and_alone_it_is_a_chosen_silence() {
    check("a<internal>thought</internal>b", &[(None, "ab")]);
    check("<message to='o'>x<internal>y</internal>z</message>", &[(Some("o"), "xz")]);
    check("<internal>a <message to='o'>b</message> `</internal>", &[(None, "")]);
    check("<internal>thought</internal>\n", &[(None, "")]);
    check("<message to='o'> </message>", &[(None, "")]);
    check(" \n ", &[]);
    check("", &[]);
    check("[NO_REPLY]", &[(None, "[NO_REPLY]")]);
}

#[test]
fn what_is_not_closed_ends_with_the_words() {
    check("a\n<message to='ops'>b", &[(None, "a"), (Some("ops"), "b")]);
    check("a <internal>thought", &[(None, "a")]);
    // By accident nobody is left without a word: that nothing was said is a failure.
    check("<internal>thought", &[]);
    check("<message to='a'>x<message to='b'>y</message>", &[(Some("a"), "x<message to='b'>y")]);
}

#[test]
fn what_no_rule_knows_is_text() {
    for text in [
        "a < b",
        "<b>bold</b>",
        "<messages to='x'>y</messages>",
        "</message>",
        "</internal> a",
        "<message to='x",
        "<message / to='x'>y",
        "<message to=\"x>",
        "<internal",
        "`<internal>` is a tag",
        "``<message to='o'>`</message>``",
        "```\n<internal>a</internal>\n```",
        "x\n  ~~~ rust\n<message to='o'>a</message>\n~~~ \nb",
        "````\n```\n<internal>\n````",
        "```\n<internal>never closed",
        "```a `b` <message",
    ] {
        is_text(text);
    }
}

#[test]
fn what_only_looks_like_code_hides_no_tag() {
    check("don`t <internal>x</internal>", &[(None, "don`t")]);
    check("a `b\n`<internal>x</internal>`", &[(None, "a `b\n`<internal>x</internal>`")]);
    check("    ```\n<internal>x</internal>a", &[(None, "```\na")]);
    check("```a``` <internal>x</internal>b", &[(None, "```a``` b")]);
    check("<message to='o'>```\na\n```\n</message>b", &[(Some("o"), "```\na\n```"), (None, "b")]);
    let far = format!("`{}` <internal>x</internal>", "y".repeat(limits::SPOKEN_CODE_BYTES));
    assert!(!plain(replies(&far, &origin()))[0].1.contains("internal"));
}

#[test]
fn a_half_answer_says_where_it_was_cut_off_and_leaks_nothing() {
    let cut = |text: &str| plain(cut_off(text, &origin()));
    let word = |to: Option<&str>, text: &str| (to.map(str::to_owned), text.to_owned());
    let end = limits::CUT_OFF;
    assert_eq!(cut("half"), [word(None, &format!("half{end}"))]);
    assert_eq!(cut("half <inter"), [word(None, &format!("half{end}"))]);
    assert_eq!(cut("a <internal>secret"), [word(None, "a")]);
    assert_eq!(cut("<internal>secret</inter"), []);
    assert_eq!(cut("`<internal>secret"), [word(None, "`")]);
    assert_eq!(cut("a<message to='o'>b"), [word(None, "a"), word(Some("o"), &format!("b{end}"))]);
    assert_eq!(cut("<message to='o'>b</message>"), [word(Some("o"), "b")]);
    assert_eq!(cut("<internal>a</internal>"), []);
}

fn shown(pieces: &[&str]) -> String {
    let mut filter = Shown::begin();
    let mut out: String = pieces.iter().map(|piece| filter.push(piece)).collect();
    out.push_str(&filter.finish());
    out
}

#[test]
fn a_viewer_sees_what_the_origin_gets_and_as_soon_as_it_is_known() {
    assert_eq!(shown(&["a <inter", "nal>no</internal>b <message to='o'>c</message>d"]), "a b d");
    assert_eq!(shown(&["<message>c</message>"]), "c");
    assert_eq!(shown(&[" [NO_", "REPLY] \n"]), "");
    assert_eq!(shown(&["[NO_", "REPLY] but"]), "[NO_REPLY] but");
    assert_eq!(shown(&["[NO", "PE"]), "[NOPE");
    let mut filter = Shown::begin();
    assert_eq!(filter.push("hello <"), "hello ");
    assert_eq!(filter.push("b> `a"), "<b> ");
    assert_eq!(filter.push("b` c"), "`ab` c");
}

/// Words in which every rule comes up often.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => prop::sample::select(vec![
            "<message to=\"ops\">", "<message to='", "<message>", "</message>", "<internal>",
            "</internal>", "<", ">", "`", "``", "```", "\n```", "\n~~~\n", "\n", " ", "'", "\"",
            "[NO_REPLY]", "<b>", "ä", "word", "=", "    ", "</", "<int", "<INTERNAL >",
        ])
        .prop_map(str::to_owned),
        1 => any::<String>(),
        1 => (1_usize..3).prop_map(|n| "x".repeat(n * limits::SPOKEN_TAG_BYTES)),
        1 => (1_usize..3).prop_map(|n| "y".repeat(n * limits::SPOKEN_CODE_BYTES - 3)),
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

fn cuts(text: &str, at: &[prop::sample::Index]) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut at: Vec<usize> = at.iter().map(|index| index.index(chars.len() + 1)).collect();
    at.extend([0, chars.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| chars[pair[0]..pair[1]].iter().collect()).collect()
}

fn in_pieces(pieces: &[String], end: End) -> Told {
    let mut told = Told::default();
    let mut reader = Reader::default();
    let mut out = |bit: Bit<'_>| told.take(bit);
    pieces.iter().for_each(|piece| reader.push(piece, &mut out));
    reader.finish(end, &mut out);
    told.internal = reader.is_internal();
    told
}

proptest! {
    #[test]
    fn however_the_words_are_cut_the_outcome_is_the_same(
        text in hostile(),
        at in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let pieces = cuts(&text, &at);
        for end in [End::Whole, End::Cut] {
            let (whole, cut) = (told(&text, end), in_pieces(&pieces, end));
            prop_assert_eq!(whole.internal, cut.internal);
            prop_assert_eq!(whole.replies(&origin()), cut.replies(&origin()));
        }
        let refs: Vec<&str> = pieces.iter().map(String::as_str).collect();
        prop_assert_eq!(shown(&refs), shown(&[&text]));
    }

    #[test]
    fn every_single_char_on_its_own_is_the_same_too(text in hostile()) {
        let text: String = text.chars().take(600).collect();
        let pieces: Vec<String> = text.chars().map(String::from).collect();
        let whole = replies(&text, &origin());
        prop_assert_eq!(in_pieces(&pieces, End::Whole).replies(&origin()), whole);
    }

    #[test]
    fn what_stands_in_an_internal_block_gets_out_by_no_cut(
        before in hostile(),
        length in 0_usize..40,
    ) {
        // Outside of code, whatever stands before it.
        let text = format!("{before}\n\n<internal>zqsecretzq</internal>");
        let whole = told(&text, End::Whole);
        let leaks = |replies: Vec<Reply>| {
            plain(replies).iter().any(|(_, text)| text.contains("zqsecretzq"))
        };
        if !leaks(whole.replies(&origin())) {
            let upto: String = text.chars().take(text.chars().count().saturating_sub(length)).collect();
            prop_assert!(!leaks(cut_off(&upto, &origin())), "{upto:?}");
        }
    }
}
