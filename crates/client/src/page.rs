//! Pages of a list: newest first, the next one by the cursor in the `Link` header (RFC 8288).

use reqwest::Url;
use reqwest::header::{HeaderMap, LINK};

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// `after` of the next page; `None` on the last one.
    pub next: Option<String>,
}

/// The cursor of the link whose relation is `next`.
pub(crate) fn next_cursor(headers: &HeaderMap, base: &Url) -> Option<String> {
    let links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    let target = links.flat_map(split_links).find(|(_, parameters)| is_next(parameters))?.0;
    let url = base.join(target).ok()?;
    url.query_pairs().find(|(name, _)| name == "after").map(|(_, cursor)| cursor.into_owned())
}

/// Target and parameters of each link of a header field.
fn split_links(field: &str) -> impl Iterator<Item = (&str, &str)> {
    field.split('<').skip(1).filter_map(|link| link.split_once('>'))
}

fn is_next(parameters: &str) -> bool {
    parameters.split(';').any(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = value.trim().trim_end_matches(',').trim_matches('"');
        name.trim().eq_ignore_ascii_case("rel") && value.split(' ').any(|relation| relation == "next")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn cursor(link: &str) -> Option<String> {
        let headers = HeaderMap::from_iter([(LINK, HeaderValue::from_str(link).unwrap())]);
        next_cursor(&headers, &Url::parse("http://shop/").unwrap())
    }

    #[test]
    fn the_cursor_is_found_among_links_and_decoded() {
        assert_eq!(cursor("</orders?limit=2&after=a-b_c>; rel=\"next\"").as_deref(), Some("a-b_c"));
        assert_eq!(cursor("</a?after=1>; rel=\"prev\", </a?after=a%2Bb>; rel=next").as_deref(), Some("a+b"));
        assert_eq!(
            cursor("<http://shop/a?x=1&after=2>; title=\"x\"; rel=\"last next\"").as_deref(),
            Some("2")
        );
        for none in ["", "</a?after=1>; rel=\"prev\"", "</a>; rel=\"next\"", "nonsense", "<<>>; rel=next"] {
            assert_eq!(cursor(none), None, "{none}");
        }
    }
}
