//! Numbers and lists within the bounds that the description states: checked where a body is read, before anything is
//! compared with what is stored.

use super::order::MAX_LINES;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt;

/// A whole number from `LEAST` to `MOST`.
pub(super) fn whole<'de, const LEAST: u32, const MOST: u32, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<u32, D::Error> {
    struct Whole<const LEAST: u32, const MOST: u32>;
    impl<const LEAST: u32, const MOST: u32> Visitor<'_> for Whole<LEAST, MOST> {
        type Value = u32;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a whole number from {LEAST} to {MOST}")
        }
        fn visit_u64<E: Error>(self, number: u64) -> Result<u32, E> {
            let found = u32::try_from(number).ok().filter(|number| (LEAST..=MOST).contains(number));
            found.ok_or_else(|| E::custom(format_args!("must be a whole number from {LEAST} to {MOST}")))
        }
        fn visit_i64<E: Error>(self, number: i64) -> Result<u32, E> {
            // Whatever is below 0 is below `LEAST`, and nothing that large is allowed.
            self.visit_u64(u64::try_from(number).unwrap_or(u64::MAX))
        }
    }
    deserializer.deserialize_any(Whole::<LEAST, MOST>)
}

/// 1 to [`MAX_LINES`] entries.
pub(super) fn lines<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let lines = Vec::deserialize(deserializer)?;
    check_length(&lines)?;
    Ok(lines)
}

/// The same of lines that may be left out.
pub(super) fn optional_lines<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<T>>, D::Error> {
    let lines = Option::<Vec<T>>::deserialize(deserializer)?;
    lines.as_deref().map_or(Ok(()), check_length)?;
    Ok(lines)
}

fn check_length<T, E: Error>(lines: &[T]) -> Result<(), E> {
    match lines.len() {
        1..=MAX_LINES => Ok(()),
        got => Err(E::custom(format_args!("must have 1 to {MAX_LINES} entries, got {got}"))),
    }
}

#[cfg(test)]
mod tests {
    use crate::models::order_change::{Cancellation, OrderEdit};

    #[test]
    fn numbers_and_lists_out_of_bounds_are_refused_where_they_are_read() {
        let edit = |line: &str| serde_json::from_str::<OrderEdit>(&format!("{{\"lines\":[{line}]}}"));
        let line = |quantity: &str| {
            format!("{{\"productId\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"quantity\":{quantity}}}")
        };
        for allowed in ["0", "1", "1000000"] {
            assert!(edit(&line(allowed)).is_ok(), "{allowed}");
        }
        for (bad, rule) in [
            ("1000001", "must be a whole number from 0 to 1000000"),
            ("-1", "must be a whole number from 0 to 1000000"),
            ("18446744073709551615", "must be a whole number from 0 to 1000000"),
            ("1.0", "expected a whole number from 0 to 1000000"),
            ("\"1\"", "expected a whole number from 0 to 1000000"),
        ] {
            let refused = edit(&line(bad)).unwrap_err().to_string();
            assert!(refused.contains(rule), "{bad}: {refused}");
        }
        assert!(edit("").unwrap_err().to_string().starts_with("must have 1 to 2000 entries, got 0"));
        assert!(edit(&[line("1").as_str(); 2000].join(",")).is_ok());
        assert!(edit(&[line("1").as_str(); 2001].join(",")).is_err());
        assert!(serde_json::from_str::<Cancellation>("{\"lines\":[]}").is_err());
        assert!(serde_json::from_str::<Cancellation>("{}").unwrap().lines.is_none());
    }
}
