//! Looking into small XML answers.

use roxmltree::{Document, Node};

/// A small answer in XML; `None` if it is none.
pub(super) fn parse(body: &[u8]) -> Option<Document<'_>> {
    // No entities of its own: nothing that a service has to say needs them.
    Document::parse(std::str::from_utf8(body).ok()?).ok()
}

/// The text of the first element of that name, whatever its namespace.
pub(super) fn text_of<'a>(document: &'a Document<'_>, element: &str) -> Option<&'a str> {
    document.descendants().find(|node| is(node, element)).and_then(|node| node.text()).map(str::trim)
}

/// Whether an element has that name, whatever its namespace.
pub(super) fn is(node: &Node<'_, '_>, element: &str) -> bool {
    node.is_element() && node.tag_name().name() == element
}

/// Text as it may stand between two tags.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_name_and_text_cannot_become_markup() {
        let document = parse(b"<a xmlns='urn:x'><b> 7 </b></a>").expect("XML");
        assert_eq!(text_of(&document, "b"), Some("7"));
        assert_eq!(text_of(&document, "c"), None);
        assert!(parse(b"<a>").is_none() && parse(b"\xff").is_none());
        assert_eq!(escaped("a<b> & c"), "a&lt;b&gt; &amp; c");
    }
}
