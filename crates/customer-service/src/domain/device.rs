//! What a session was opened with, out of the User-Agent header: enough to recognise one's own devices, no more.

use common::models::auth::Device;

/// Longest header that is looked at, in bytes.
const LONGEST: usize = 512;

/// What names a browser, most telling first: nearly all of them claim to be Safari, and many to be Chrome.
const BROWSERS: [(&str, &str); 6] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// What names a system, most telling first: Android claims to be Linux, an iPhone to be like Mac OS X.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// A browser and its system, such as `Firefox on Linux`; for other programs the first product they name, such as
/// `curl/8.5`. `None` where there is nothing to tell.
pub fn device_of(user_agent: &str) -> Option<Device> {
    // The border may fall into a character: then nothing is worth telling.
    let looked_at = user_agent.get(..LONGEST.min(user_agent.len()))?;
    let named = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| looked_at.contains(mark)).map(|(_, name)| *name)
    };
    let summary = match (named(&BROWSERS), named(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => looked_at.split_ascii_whitespace().next()?.chars().take(100).collect(),
    };
    summary.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_told_with_its_system_and_a_program_by_its_name() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                    Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0";
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 \
                     (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";
        for (header, expected) in [
            (firefox, Some("Firefox on Linux")),
            (edge, Some("Edge on Windows")),
            (phone, Some("Safari on iPhone")),
            ("curl/8.5.0 with more", Some("curl/8.5.0")),
            ("", None),
            (" \t", None),
            ("a\u{7}b", None),
        ] {
            assert_eq!(device_of(header).as_deref(), expected, "{header}");
        }
    }

    #[test]
    fn a_summary_is_short_however_long_the_header() {
        for header in ["x".repeat(5_000), "é".repeat(5_000), format!("x{}", "é".repeat(5_000))] {
            assert!(device_of(&header).is_none_or(|device| device.chars().count() <= 100));
        }
    }
}
