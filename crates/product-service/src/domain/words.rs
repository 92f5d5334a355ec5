//! Text as it is searched: words without case and without marks, the same for products and for what people type.

use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Characters of a word that are looked at.
const MAX_WORD: usize = 40;

/// Most words that a search looks for.
pub const MAX_SOUGHT: usize = 8;

/// Most words of one product that can be found.
const MAX_WORDS: usize = 400;

/// A text without case and without marks: `Crème` and `CREME` are one.
pub fn folded(text: &str) -> String {
    let plain = text.trim().nfkd().filter(|character| !is_combining_mark(*character));
    let lower = plain.flat_map(char::to_lowercase);
    let mut folded = String::with_capacity(text.len());
    for character in lower {
        match character {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            'þ' => folded.push_str("th"),
            // What the lower case of a capital with a dot leaves behind.
            mark if is_combining_mark(mark) => {}
            other => folded.push(other),
        }
    }
    folded
}

fn words(folded: &str) -> impl Iterator<Item = String> {
    let parts = folded.split(|character: char| !character.is_alphanumeric());
    parts.filter(|word| !word.is_empty()).map(|word| word.chars().take(MAX_WORD).collect())
}

/// The words of these texts, each once.
pub fn words_of<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for text in texts {
        for word in words(&folded(text)) {
            if found.len() == MAX_WORDS {
                return found;
            }
            found.insert(word);
        }
    }
    found
}

/// What somebody looks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Search {
    /// What was typed as it stands, where it is one piece: it may be a sku.
    pub whole: Option<String>,
    /// Words that must be there.
    pub words: Vec<String>,
    /// What a word must begin with: the last one may not be typed to its end.
    pub prefix: Option<String>,
}

/// A search with more words than [`MAX_SOUGHT`].
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have at most {MAX_SOUGHT} words")]
pub struct TooManyWords;

impl Search {
    pub fn parse(typed: &str) -> Result<Self, TooManyWords> {
        let folded = folded(typed);
        let mut sought: Vec<String> = words(&folded).collect();
        if sought.len() > MAX_SOUGHT {
            return Err(TooManyWords);
        }
        let whole = (!folded.is_empty() && !folded.contains(char::is_whitespace)).then_some(folded);
        let prefix = sought.pop();
        sought.sort_unstable();
        sought.dedup();
        Ok(Self { whole, words: sought, prefix })
    }

    /// Whether nothing can be found: only signs were typed.
    pub fn is_empty(&self) -> bool {
        self.prefix.is_none() && self.whole.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_marks_do_not_matter() {
        for (text, expected) in [
            ("Crème Brûlée", "creme brulee"),
            ("STRASSE", "strasse"),
            ("Straße", "strasse"),
            ("Smørrebrød", "smorrebrod"),
            ("Łódź", "lodz"),
            ("İstanbul", "istanbul"),
            ("ﬁne ½", "fine 1\u{2044}2"),
            ("Ångström Ηλεκτρική", "angstrom ηλεκτρικη"),
        ] {
            assert_eq!(folded(text), expected);
        }
        // Composed or not.
        assert_eq!(folded("e\u{301}"), folded("\u{e9}"));
    }

    #[test]
    fn words_are_what_signs_leave_between_them() {
        let found = words_of(["Blue Teapot (1 litre)", "A-10", "100% wool"]);
        let found: Vec<_> = found.iter().map(String::as_str).collect();
        assert_eq!(found, ["1", "10", "100", "a", "blue", "litre", "teapot", "wool"]);
        assert_eq!(words_of(["x".repeat(1000).as_str()]).first().unwrap().len(), MAX_WORD);
        let many: Vec<String> = (0..1000).map(|number| format!("w{number}")).collect();
        assert_eq!(words_of([many.join(" ").as_str()]).len(), MAX_WORDS);
    }

    #[test]
    fn a_search_keeps_its_last_word_open_and_its_whole_where_it_is_one_piece() {
        let search = Search::parse(" Blue TEA").unwrap();
        assert_eq!(search, Search { whole: None, words: vec!["blue".into()], prefix: Some("tea".into()) });
        let sku = Search::parse("A-1").unwrap();
        assert_eq!((sku.whole.as_deref(), sku.prefix.as_deref()), (Some("a-1"), Some("1")));
        assert!(Search::parse("- -").unwrap().is_empty());
        assert_eq!(Search::parse("a b c d e f g h i"), Err(TooManyWords));
    }
}
