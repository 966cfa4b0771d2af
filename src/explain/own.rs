//! How a file shows that `explain` wrote it, so that the command can write it anew and leave every other file alone.

use super::png_text;

/// So many bytes from the begin of a file tell.
pub const HEAD: usize = 4_096;
/// The first line of a picture that `explain` writes.
const SVG_MARK: &str = "<!-- authstorm explain -->\n";
/// Keyword and text that the picture in pixels bears.
const PNG_MARK: (&str, &str) = ("Software", "authstorm explain");

/// The picture of a story as a file of its own.
pub fn svg(picture: &str) -> String {
    format!("{SVG_MARK}{picture}")
}

/// The same as pixels: the bytes of a PNG, marked.
pub fn png(bytes: &[u8]) -> Vec<u8> {
    png_text::with_text(bytes, PNG_MARK)
}

/// Whether a file that begins with these bytes is a story as `explain` writes it, in any of its forms.
pub fn is_story(head: &[u8]) -> bool {
    if head.starts_with(&png_text::SIGNATURE) {
        return head
            .get(png_text::FIRST_TEXT..)
            .is_some_and(|rest| rest.starts_with(&png_text::text_chunk(PNG_MARK)));
    }
    // A head may end within a letter; what is before it tells.
    let head = String::from_utf8_lossy(head);
    let provenance = |text: &str| {
        [" · seed ", " · client model ", " · authstorm ", " · sha256 "].iter().all(|part| text.contains(part))
    };
    let begins = |text: &str| head.starts_with(text);
    begins(SVG_MARK)
        || begins("{\n  \"headline\": \"Session ")
        || begins("{\"displayTimeUnit\":\"ms\",\"otherData\":{\"headline\":\"Session ")
        || (begins("Session ") && provenance(&head))
        || (begins("%% ") && provenance(&head) && head.contains("\nsequenceDiagram\n"))
}
