//! Which passwords are refused: those that everybody tries first, and what an account shows of itself.

use common::text::{Email, Password, folded};

/// Well-known passwords of 8 characters and more, folded and in the order of their bytes, a line each.
const COMMON: &str = include_str!("common_passwords.txt");

/// The password is among the first that anyone would try.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("is too easy to guess: it is well known, or it is the account's own address or name")]
pub struct CommonPassword;

/// Refuses a password that is well known, or is the address (or its part before the `@`) or the name of the account.
pub fn check(password: &Password, email: &Email, name: &str) -> Result<(), CommonPassword> {
    let password = folded(password.expose());
    let address = email.key();
    let mailbox = address.split('@').next().unwrap_or_default();
    let compact = |text: &str| text.split_whitespace().collect::<String>();
    let is_own = password == address || password == mailbox || compact(&password) == compact(&folded(name));
    let is_one_character = password.chars().all(|character| password.starts_with(character));
    if is_own || is_one_character || is_well_known(&password) { Err(CommonPassword) } else { Ok(()) }
}

fn is_well_known(folded: &str) -> bool {
    COMMON.lines().any(|known| known == folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_of_ada(password: &str) -> Result<(), CommonPassword> {
        check(&password.parse().unwrap(), &"Ada.Lovelace@example.org".parse().unwrap(), "Ada Lovelace")
    }

    #[test]
    fn well_known_passwords_are_refused_whatever_their_case() {
        for bad in ["password", "PassWord1", "12345678", "qwertyuiop", "P@ssw0rd", "zzzzzzzzzzzz", "ÉÉÉÉéééé"]
        {
            assert_eq!(check_of_ada(bad), Err(CommonPassword), "{bad}");
        }
        for good in ["correct horse battery", "demo-password-1", "1234567x", "пароль от дома"] {
            assert_eq!(check_of_ada(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_the_account_shows_of_itself_is_refused() {
        for bad in ["ada.lovelace@EXAMPLE.org", "Ada.Lovelace", "ada lovelace", "AdaLovelace"] {
            assert_eq!(check_of_ada(bad), Err(CommonPassword), "{bad}");
        }
    }

    #[test]
    fn the_list_is_sorted_folded_and_long_enough_to_matter() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert!(lines.len() > 1_000 && lines.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(lines.iter().all(|line| folded(line) == *line && line.chars().count() >= 8));
    }
}
